// OwnedDescriptor: a descriptor that is closed once, by whoever owns it.
// close(2).
// SPDX-License-Identifier: MIT

import CUnix
import Glibc
import SystemPackage

/// The descriptor type of swift-system, for whom borrows one.
public typealias Descriptor = SystemPackage.FileDescriptor

/// An open file, socket or pipe that this value owns. It is closed when the value ends.
///
/// Every descriptor that this module opens is close-on-exec.
public struct OwnedDescriptor: ~Copyable, Sendable {
    private let raw: Int32

    /// Takes over an open descriptor.
    public init(_ raw: Int32) { self.raw = raw }

    deinit { _ = Glibc.close(raw) }

    /// The descriptor, for calls that only use it. It must not outlive this value.
    public var borrowed: Descriptor { Descriptor(rawValue: raw) }

    /// The number, for calls that only use it.
    public var number: Int32 { raw }

    /// Closes it and says whether that went well: the last chance of a network file system or a
    /// full disk to report a lost write.
    public consuming func close(_ object: @autoclosure () -> String) throws(SystemError) {
        let result = Glibc.close(take())
        guard result == 0 else { throw SystemError.last("close", object()) }
    }

    /// Gives the number away; nobody closes it any more but the one who takes it.
    public consuming func take() -> Int32 {
        let number = raw
        discard self
        return number
    }

    /// Another descriptor of the same open file.
    public func duplicate() throws(SystemError) -> OwnedDescriptor {
        try OwnedDescriptor.duplicate(of: raw)
    }

    /// Another descriptor, above 2, of what somebody else owns.
    public static func duplicate(of number: Int32) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(
            try retrying("dup", "descriptor \(number)") {
                cunix_fcntl(number, F_DUPFD_CLOEXEC, 3)
            })
    }

    /// What a descriptor of somebody's leads to, opened anew and read-only, for leaving this process.
    /// A file of another user, who opened it for us, may not be opened again: what is read-only
    /// already is passed on as it is then, with its offset, which means nothing to us.
    public static func reading(
        of number: Int32, _ flags: Int32 = 0
    ) throws(SystemError) -> OwnedDescriptor {
        do {
            return try Files.open("/proc/self/fd/\(number)", O_RDONLY | flags)
        } catch {
            let isReadOnly = cunix_fcntl(number, F_GETFL, 0) & O_ACCMODE == O_RDONLY
            guard error.errno == .permissionDenied, isReadOnly else { throw error }
            return try duplicate(of: number)
        }
    }

    /// The same file opened anew, read-only, with an offset of its own: the one that may leave
    /// this process. Works for nameless files and memory files.
    public func reopenedForReading() throws(SystemError) -> OwnedDescriptor {
        try Files.open("/proc/self/fd/\(raw)", O_RDONLY)
    }
}
