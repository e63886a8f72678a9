import TestSupport
import Testing

/// A server whose spool is a small file system in memory, which takes a mount namespace.
@Suite struct FullDiskTests {
    /// True where an ordinary user may have a mount namespace.
    static func canMount() -> Bool {
        let tool = try? Tool(
            "/usr/bin/unshare", ["-Urm", "/bin/sh", "-c", "mount -t tmpfs none /mnt"])
        return (try? tool?.run())?.code == 0
    }

    @Test(.enabled("mount namespaces are not allowed here") { canMount() })
    func `a message for a full disk is refused for now and nothing is queued`() throws {
        let server = try TestServer()
        try server.keepSteps([])
        let script = """
            #!/bin/sh
            exec unshare -Urm /bin/sh -c 'spool=$1 server=$2; shift 2
                mount -t tmpfs -o size=1m none "$spool" || exit 1
                head -c 4194304 /dev/zero > "$spool/fill" 2> /dev/null
                exec "$server" "$@"' sh "\(server.root)/spool" "\(try Tool.path("mail-server"))" "$@"
            """
        let wrapper = try server.folder.write("wrapper", script, mode: 0o700)
        try server.start { $0.path = wrapper }
        for size in [100, 300_000] {
            let body = String(repeating: "One line of many.\n", count: size / 18)
            let reply = try server.connect().send(
                from: "a@pass.test", to: ["alice@example.test"], "Subject: x\n\n\(body)")
            #expect(reply.hasPrefix("452 4.3.1 ") || reply.hasPrefix("451 4.3."), "\(reply)")
        }
        #expect(server.messages(of: "alice").isEmpty)
        try server.stop()
    }
}
