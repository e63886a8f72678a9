// SystemError: what the kernel said, to which call, about which object.
// errno(3).
// SPDX-License-Identifier: MIT

public import SystemPackage
public import Glibc

/// A system call that failed: `open queue/new/17: Permission denied`.
public struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The call, as its manual page names it.
    public let call: String
    /// The file, socket or program that it was about.
    public let object: String
    /// What the kernel said.
    public let errno: Errno

    /// An error of these parts.
    public init(_ call: String, _ object: String, _ errno: Errno) {
        self.call = call
        self.object = object
        self.errno = errno
    }

    /// The error that `errno` holds now.
    public static func last(_ call: String, _ object: String) -> SystemError {
        SystemError(call, object, Errno(rawValue: Glibc.errno))
    }

    /// A time limit that ran out during a call.
    public static func timedOut(_ call: String, _ object: String) -> SystemError {
        SystemError(call, object, .timedOut)
    }

    /// Call, object and the kernel's words.
    public var description: String { "\(call) \(object): \(errno)" }
}

/// Makes a call that returns -1 on error, again when a signal interrupts it.
/// - Throws: `SystemError` with the names given; `object` is only evaluated then.
@inlinable
public func retrying<Result: SignedInteger>(
    _ call: StaticString, _ object: @autoclosure () -> String, _ body: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = body()
        if result != -1 { return result }
        let error = Errno(rawValue: Glibc.errno)
        if error != .interrupted {
            throw SystemError("\(call)", object(), error)
        }
    }
}
