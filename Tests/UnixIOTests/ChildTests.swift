// Tests of Child and Command.
// SPDX-License-Identifier: MIT

import Glibc
import Testing
import UnixIO

struct ChildTests {
    private func run(_ script: String, _ change: (inout Command) -> Void = { _ in }) throws
        -> Termination
    {
        var command = Command("/bin/sh", ["-c", script])
        change(&command)
        return try Child(command).wait()
    }

    @Test(arguments: [0, 1, 71, 99, 255] as [Int32])
    func `an exit code is told`(code: Int32) throws {
        #expect(try run("exit \(code)") == .exited(code))
    }

    @Test func `a signal is told`() throws {
        #expect(try run("kill -SEGV $$") == .killed(SIGSEGV))
    }

    @Test func `a program that is not there is an error that names it`() {
        let error = #expect(throws: SystemError.self) { _ = try Child(Command("/absent/program")) }
        #expect(error?.description == "exec /absent/program: No such file or directory")
    }

    @Test func `descriptors go where the map says, even when they change places`() throws {
        let one = try Files.inMemory("one")
        try one.borrowed.writeAll(Array("1".utf8), "one")
        try one.borrowed.rewind("one")
        let two = try Files.inMemory("two")
        try two.borrowed.writeAll(Array("2".utf8), "two")
        try two.borrowed.rewind("two")
        let (first, second) = (one.number, two.number)
        let script = "test $(cat /dev/fd/\(first))$(cat /dev/fd/\(second)) = 21"
        #expect(try run(script) { $0.descriptors = [first: second, second: first] } == .exited(0))
    }

    @Test func `a descriptor that is not named is closed in the child`() throws {
        let file = try Files.open("/dev/null", O_RDONLY)
        let inheritable = dup(file.number)
        defer { close(inheritable) }
        #expect(try run("test ! -e /proc/self/fd/\(inheritable)") == .exited(0))
        let kept = try run("test -e /proc/self/fd/\(inheritable)") { $0.keepsOthers = true }
        #expect(kept == .exited(0))
    }

    @Test func `the environment is the one given`() throws {
        let result = try run("test \"$A$HOME\" = b") { $0.environment = ["A=b"] }
        #expect(result == .exited(0))
    }

    @Test func `a child starts with default signals`() throws {
        #expect(try run("kill -PIPE $$") == .killed(SIGPIPE))
    }

    @Test func `a child nobody waits for is killed and reaped`() throws {
        var pid: pid_t = 0
        do {
            let child = try Child(Command("/bin/sleep", ["1000"]))
            pid = child.pid
        }
        #expect(kill(pid, 0) == -1)
        #expect(errno == ESRCH)
    }
}
