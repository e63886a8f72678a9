// CheckpasswordRun: runs a checkpassword program once.
// https://cr.yp.to/checkpwd/interface.html
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// One run: three fields on descriptor 3, and what the program's end means.
struct CheckpasswordRun {
    /// The most bytes that a program reads from descriptor 3.
    static let longestInput = 512

    let program: String
    let arguments: [String]

    /// - Returns: nil when the program could not be run, was killed, or ended with a code that says
    ///   nothing of the password; the reason is in `failure`.
    func isRight(
        _ fields: [[UInt8]], _ context: LoginContext, until deadline: Deadline,
        _ failure: inout String
    ) -> Bool? {
        let input = Array(fields.joined(separator: [0])) + [0]
        // A program reads no more, and so no such password can be right.
        guard input.count <= CheckpasswordRun.longestInput else { return false }
        let code: Int32?
        do throws(SystemError) {
            code = try run(input, context, deadline, &failure)
        } catch {
            failure = "\(error)"
            return nil
        }
        switch code {
        case 0: return true
        case 1: return false
        case nil: return nil
        case let code?:
            failure = "exit \(code)"
            return nil
        }
    }

    private func run(
        _ input: [UInt8], _ context: LoginContext, _ deadline: Deadline, _ failure: inout String
    ) throws(SystemError) -> Int32? {
        let data = try Files.inMemory("checkpassword")
        try data.borrowed.writeAll(input, "descriptor 3")
        try data.borrowed.rewind("descriptor 3")
        let null = try Files.open("/dev/null", O_RDWR)
        var command = Command(program, arguments, environment: environment(context))
        command.descriptors = [0: null.number, 1: null.number, 3: data.number]
        command.deathSignal = SIGKILL
        command.hasOwnGroup = true
        command.folder = "/"
        let pid = try Child(command).forget()
        return end(of: pid, deadline, &failure)
    }

    /// The code that the program ended with; nil when a signal killed it or its time was over. One that
    /// we may not kill, since it has become another user, is left to itself then.
    private func end(
        of pid: pid_t, _ deadline: Deadline, _ failure: inout String
    ) -> Int32? {
        var status: Int32 = 0
        var pause: Int32 = 1
        while true {
            let ended = waitpid(pid, &status, WNOHANG)
            if ended == pid { break }
            guard ended == 0 || errno == EINTR else {
                failure = "waitpid: \(String(cString: strerror(errno)))"
                return nil
            }
            guard !deadline.hasPassed else {
                let wasKilled = kill(-pid, SIGKILL) == 0 || kill(pid, SIGKILL) == 0
                if wasKilled { waitpid(pid, &status, 0) }
                failure = "it took too long"
                return nil
            }
            _ = poll(nil, 0, min(pause, max(1, deadline.pollTimeout)))
            pause = min(pause + 1, 5)
        }
        switch Termination(status: status) {
        case .exited(let code): return code
        case .killed(let signal):
            failure = "signal \(signal)"
            return nil
        }
    }

    /// What UCSPI and qmail's patches call what is known. Nothing of ours goes along.
    private func environment(_ context: LoginContext) -> [String] {
        var variables = ["PATH=/usr/local/bin:/usr/bin:/bin", "PROTO=TCP"]
        if let address = context.clientAddress { variables.append("TCPREMOTEIP=\(address)") }
        if let address = context.localAddress { variables.append("TCPLOCALIP=\(address)") }
        if let port = context.localPort { variables.append("TCPLOCALPORT=\(port)") }
        variables.append("SMTPAUTHMETHOD=\(context.mechanism)")
        return variables
    }
}
