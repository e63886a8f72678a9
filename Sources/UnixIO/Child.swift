// Child: a program that was started and will be waited for.
// execve(2), waitpid(2).
// SPDX-License-Identifier: MIT

import CUnix
import Glibc

/// What to start and with what.
public struct Command: Sendable {
    /// The file to execute; no PATH is searched.
    public var path: String
    /// The arguments after the program's own name.
    public var arguments: [String]
    /// `NAME=value`; the caller's own environment when nil.
    public var environment: [String]?
    /// `NAME=value` too, after those of `environment`, byte for byte: what others put into a variable
    /// need not be text.
    public var variables: [[UInt8]] = []
    /// The child's descriptors by number, and ours that they come from. What is not named here
    /// is closed, but for 0, 1 and 2.
    public var descriptors: [Int32: Int32] = [:]
    /// True when the child also keeps what we inherited beyond 2 and did not mark close-on-exec.
    public var keepsOthers = false
    /// The signal that the child gets when this process ends; nil: none.
    public var deathSignal: Int32?
    /// True when the child leads a process group of its own, which `waitOrKill` kills as a whole.
    public var hasOwnGroup = false
    /// The child's working folder; ours when nil.
    public var folder: String?
    /// Whom the child runs as; nil: as we do.
    public var identity: Identity?
    /// True when neither the child nor what it starts may gain privileges, by a setuid program or
    /// otherwise.
    public var gainsNoPrivileges = false
    /// True when the child's memory never goes to a core file.
    public var dumpsNoCore = false
    /// Listening sockets that the child gets by systemd's protocol: from descriptor 3 on, with
    /// their names. `descriptors` must leave these numbers free.
    public var sockets: [PassedSocket] = []

    /// A command with no redirection.
    public init(_ path: String, _ arguments: [String] = [], environment: [String]? = nil) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
    }
}

/// How a process ended.
public enum Termination: Hashable, Sendable, CustomStringConvertible {
    /// It called exit with this code.
    case exited(Int32)
    /// This signal killed it.
    case killed(Int32)

    /// Reads what waitpid(2) stored.
    public init(status: Int32) {
        self =
            cunix_exited(status)
            ? .exited(cunix_exit_code(status)) : .killed(cunix_termination_signal(status))
    }

    /// `exit 71` or `signal 9`.
    public var description: String {
        switch self {
        case .exited(let code): "exit \(code)"
        case .killed(let signal): "signal \(signal)"
        }
    }
}

/// A running process. One that is not waited for is killed and reaped when the value ends.
public struct Child: ~Copyable {
    /// The process id.
    public let pid: pid_t

    /// Starts a program.
    /// - Throws: `SystemError` with call `exec` when it cannot be started.
    public init(_ command: Command) throws(SystemError) {
        let map = command.allDescriptors.map { cunix_descriptor(target: $0.key, source: $0.value) }
        let environment = command.fullEnvironment
        let pid = CStrings.with([command.path] + command.arguments) { arguments in
            CStrings.with(environment ?? [], command.variables) { variables in
                command.withTerms { terms in
                    cunix_spawn(
                        command.path, arguments,
                        environment == nil && command.variables.isEmpty
                            ? cunix_environment() : variables, map, map.count,
                        command.keepsOthers, command.deathSignal ?? 0, command.hasOwnGroup,
                        command.folder, terms)
                }
            }
        }
        guard pid > 0 else { throw SystemError.last("exec", command.path) }
        self.pid = pid
    }

    deinit {
        _ = Glibc.kill(pid, SIGKILL)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) == -1, errno == EINTR {}
    }

    /// Waits for the end.
    public consuming func wait() throws(SystemError) -> Termination {
        var status: Int32 = 0
        let pid = forget()
        _ = try retrying("waitpid", "\(pid)") { waitpid(pid, &status, 0) }
        return Termination(status: status)
    }

    /// Waits for the end until the deadline, then kills the child, with its group when it has one.
    /// With `endingGroup` what is left of the group is killed also when the child ended in time.
    /// - Returns: nil when it had to be killed.
    public consuming func waitOrKill(
        _ deadline: Deadline, endingGroup: Bool = false
    ) throws(SystemError) -> Termination? {
        let process = OwnedDescriptor(
            try retrying("pidfd_open", "\(pid)") { cunix_pidfd(pid) })
        let hasEnded = try process.borrowed.wait(.toRead, until: deadline, "\(pid)")
        if !hasEnded, Glibc.kill(-pid, SIGKILL) != 0 { _ = Glibc.kill(pid, SIGKILL) }
        // The child is not waited for yet, so no other group can have its id.
        if hasEnded, endingGroup { _ = Glibc.kill(-pid, SIGKILL) }
        let termination = try wait()
        return hasEnded ? termination : nil
    }

    /// Sends a signal; a process that is gone already is fine.
    public func signal(_ number: Int32) { _ = Glibc.kill(pid, number) }

    /// Leaves the waiting to somebody else, who goes by the process id.
    public consuming func forget() -> pid_t {
        let pid = self.pid
        discard self
        return pid
    }

    /// The next child of this process that ends, waiting for it; nil when there is no child.
    public static func reapNext() -> (pid: pid_t, termination: Termination)? {
        var status: Int32 = 0
        while true {
            let pid = waitpid(-1, &status, 0)
            if pid > 0 { return (pid, Termination(status: status)) }
            if errno != EINTR { return nil }
        }
    }

    /// The next child of this process that ended; nil when none has.
    public static func reap() -> (pid: pid_t, termination: Termination)? {
        var status: Int32 = 0
        let pid = waitpid(-1, &status, WNOHANG)
        return pid > 0 ? (pid, Termination(status: status)) : nil
    }
}

/// Arrays of C strings for exec.
public enum CStrings {
    /// Calls with a null-terminated array of the strings and of those that need not be text, valid
    /// during the call. A string is cut at its first NUL.
    public static func with<Result>(
        _ strings: [String], _ bytes: [[UInt8]] = [],
        _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
        for string in bytes {
            let copy = (string + [0]).withUnsafeBytes {
                $0.baseAddress.flatMap { strdup($0.assumingMemoryBound(to: CChar.self)) }
            }
            pointers.append(copy)
        }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        // The array holds at least the null pointer, so its storage has an address.
        return body(&pointers)
    }
}

/// This process's environment.
public enum Environment {
    /// The value of a variable as bytes; nil when it is not set.
    public static func bytes(_ name: String) -> [UInt8]? {
        guard let value = getenv(name) else { return nil }
        return [UInt8](UnsafeRawBufferPointer(start: value, count: strlen(value)))
    }

    /// The value of a variable as text; nil when it is not set.
    public static func text(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// All variables as `NAME=value`, without those of these names.
    public static func all(without names: Set<String> = []) -> [String] {
        allBytes(without: names).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The same byte for byte.
    public static func allBytes(without names: Set<String> = []) -> [[UInt8]] {
        var result: [[UInt8]] = []
        guard var pointer = cunix_environment() else { return [] }
        while let variable = pointer.pointee {
            let bytes = [UInt8](UnsafeRawBufferPointer(start: variable, count: strlen(variable)))
            let name = bytes.prefix { $0 != 0x3D }
            if !names.contains(String(decoding: name, as: UTF8.self)) { result.append(bytes) }
            pointer += 1
        }
        return result
    }
}

/// Takes this process's place by another program, with variables as text and as bytes; only returns
/// by throwing.
/// - Throws: `SystemError` with call `exec`.
public func exec(
    _ path: String, _ arguments: [String], environment: [String], variables: [[UInt8]] = []
) throws(SystemError) -> Never {
    _ = CStrings.with([path] + arguments) { argv in
        CStrings.with(environment, variables) { variables in execve(path, argv, variables) }
    }
    throw SystemError.last("exec", path)
}
