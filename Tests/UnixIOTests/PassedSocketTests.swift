import Glibc
import TestSupport
import Testing
import UnixIO

@Suite struct PassedSocketTests {
    /// What a shell with these sockets says.
    private func say(
        _ script: String, _ sockets: [PassedSocket], environment: [String]? = ["PATH=/usr/bin:/bin"]
    ) throws -> String {
        let output = try Files.inMemory("output")
        var command = Command("/bin/sh", ["-c", script], environment: environment)
        command.descriptors = [1: output.number]
        command.sockets = sockets
        #expect(try Child(command).wait() == .exited(0))
        let size = Int(try output.borrowed.status("output").st_size)
        return String(decoding: try output.borrowed.bytes(at: 0, count: size, "o"), as: UTF8.self)
    }

    @Test func `a child learns how many sockets there are, their names, and that they are its own`()
        throws
    {
        let file = try Files.open("/dev/null", O_RDONLY)
        let text = try say(
            "test $LISTEN_PID = $$ && echo $LISTEN_FDS $LISTEN_FDNAMES; ls /proc/self/fd | wc -w",
            [PassedSocket("smtp", file.number), PassedSocket("smtps", file.number)])
        // Beside 0 to 2 and the two sockets ls has the folder open.
        #expect(text == "2 smtp:smtps\n6\n")
    }

    @Test func `variables of another process's sockets do not reach the child`() throws {
        let file = try Files.open("/dev/null", O_RDONLY)
        let text = try say(
            "env | grep -c ^LISTEN_; echo $LISTEN_FDNAMES", [PassedSocket("one", file.number)],
            environment: ["PATH=/usr/bin:/bin", "LISTEN_FDS=7", "LISTEN_FDNAMES=a:b"])
        #expect(text == "3\none\n")
    }

    @Test func `without a word for this process there is none`() {
        #expect(PassedSocket.all().isEmpty)
    }

    @Test func `a child that gains no privileges and dumps no core says so`() throws {
        let output = try Files.inMemory("output")
        var command = Command(
            "/bin/sh", ["-c", "grep NoNewPrivs /proc/self/status; ulimit -c"], environment: [])
        command.descriptors = [1: output.number]
        command.gainsNoPrivileges = true
        command.dumpsNoCore = true
        #expect(try Child(command).wait() == .exited(0))
        let text = try output.borrowed.bytes(at: 0, count: 100, "output")
        #expect(String(decoding: text, as: UTF8.self) == "NoNewPrivs:\t1\n0\n")
    }

    @Test(.enabled(if: geteuid() == 0, "only root can become another user"))
    func `a child has another user and its groups, and none of ours`() throws {
        let output = try Files.inMemory("output")
        var command = Command(
            "/bin/sh", ["-c", "grep -E '^(Uid|Gid|Groups)' /proc/self/status"], environment: [])
        command.descriptors = [1: output.number]
        command.identity = Identity(user: 64101, group: 64102, groups: [64103])
        command.deathSignal = SIGTERM
        #expect(try Child(command).wait() == .exited(0))
        let text = try output.borrowed.bytes(at: 0, count: 200, "output")
        #expect(
            String(decoding: text, as: UTF8.self)
                == """
                Uid:\t64101\t64101\t64101\t64101
                Gid:\t64102\t64102\t64102\t64102
                Groups:\t64103 

                """)
    }
}
