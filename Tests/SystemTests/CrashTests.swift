import Glibc
import TestSupport
import Testing

@Suite(.serialized) struct CrashTests {
    private let server: TestServer

    init() throws {
        server = try TestServer()
        try server.keepSteps(["20-rcpt-validate", "40-regex-filter"])
        try server.start()
    }

    /// Parents of pools, and one worker of each.
    private static let victims = [
        "smtp-server", "regex-filter", "rcpt-validate", "queue-message", "queue-manager",
        "deliver-local",
    ]

    @Test(arguments: victims)
    func `the service comes back when a process is killed, and nothing is lost`(
        program: String
    ) throws {
        let load = Load(port: server.port, name: program)
        #expect(load.goesOn())
        let all = server.processes(program)
        let parent = try #require(all.first)
        // The worker first, while there is a parent that could miss it.
        if let worker = all.last, worker != parent {
            kill(worker, SIGKILL)
            #expect(load.goesOn(), "after the worker; the log:\n\(server.log)")
        }
        kill(parent, SIGKILL)
        #expect(load.goesOn(), "after the parent; the log:\n\(server.log)")
        let accepted = load.end()
        #expect(accepted.count >= 10)
        #expect(server.lacks(accepted).isEmpty, "lost; the log:\n\(server.log)")
    }

    @Test func `all services end when mail-server is killed`() throws {
        let pids = server.processes()
        #expect(pids.count > 10)
        try server.stop(SIGKILL)
        let areGone = eventually(within: .seconds(45)) {
            pids.allSatisfy { Processes.commandLine(of: $0).isEmpty }
        }
        #expect(areGone)
    }

    @Test func `nothing is lost when everything is killed at once and started again`() throws {
        let load = Load(port: server.port, name: "all")
        #expect(load.goesOn(by: 20))
        for pid in server.processes() { kill(pid, SIGKILL) }
        try server.stop(SIGKILL)
        let accepted = load.end()
        try server.start()
        #expect(accepted.count >= 20)
        #expect(server.lacks(accepted).isEmpty, "lost; the log:\n\(server.log)")
    }

    @Test func `a second server on the same root is refused`() throws {
        let result = try server.tool().run()
        #expect(result.code == 75)
        #expect(result.errors.contains("another mail-server works on \(server.root)/run: process "))
        #expect(try server.connect().say("NOOP").hasPrefix("250 "))
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `a signal ends everything in order`(signal: Int32) throws {
        let pids = server.processes()
        #expect(try server.stop(signal) == .exited(0))
        #expect(pids.allSatisfy { Processes.commandLine(of: $0).isEmpty })
    }

    @Test func `an interrupt of the whole process group ends everything and loses nothing`() throws
    {
        try server.stop()
        let wrapper = try server.folder.write(
            "in-a-group", "#!/bin/sh\nexec setsid \(try Tool.path("mail-server")) \"$@\"\n",
            mode: 0o700)
        try server.start { $0.path = wrapper }
        let load = Load(port: server.port, name: "group")
        #expect(load.goesOn())
        let group = try #require(server.service?.process.pid)
        let pids = server.processes()
        #expect(kill(-group, SIGINT) == 0)
        #expect(try server.service?.process.wait(.seconds(60), "mail-server") == .exited(0))
        #expect(pids.allSatisfy { Processes.commandLine(of: $0).isEmpty })
        let accepted = load.end()
        try server.stop()
        try server.start()
        #expect(server.lacks(accepted).isEmpty, "lost; the log:\n\(server.log)")
    }
}
