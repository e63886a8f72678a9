import Recipients
import TestSupport
import Testing

/// `chainmail mailboxes compile`, and what the filter makes of it.
@Suite struct CompileCommandTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func compile(_ arguments: [String]) throws -> ToolResult {
        try Tool("chainmail", ["mailboxes", "compile"] + arguments).run()
    }

    @Test func `the root's list is compiled beside it, and asked`() throws {
        try folder.write("etc/control/mailboxes", "alice@example.test\n@all.test /all\n")
        let result = try compile(["--root", folder.path])
        let database = folder.file("etc/control/mailboxes.cdb")
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.text == "\(database): 2 mailboxes in 2 domains\n")
        // What is not older is asked, whatever the list says by now.
        let list = folder.file("etc/control/mailboxes")
        #expect(word("bob@example.test", "file:\(list)") == "no")
        #expect(word("alice@example.test", "cdb:\(database)") == "yes")
        for (address, code) in [("alice@example.test", 0), ("bob@example.test", 31)] as [(_, Int32)]
        {
            var tool = try Tool(
                "rcpt-validate", ["--root", folder.path, "--sender", "s@x.test"])
            tool.arguments += ["--recipient", address]
            tool.message = Array("Subject: x\n\nx\n".utf8)
            #expect(try tool.run().code == code)
        }
    }

    @Test func `another list goes where it is told to`() throws {
        let list = try folder.write("list", "a@x.test\n")
        let result = try compile([list, "--output", folder.file("out.cdb")])
        #expect(result.code == 0, "\(result.errors)")
        #expect(folder.names() == ["list", "out.cdb"])
    }

    @Test func `what cannot be compiled is one line with the exit of its kind`() throws {
        let bad = try folder.write("bad", "a@x.test\nnonsense\n")
        for (arguments, code, text) in [
            ([bad], 65, "\(bad):2: not local@domain"),
            ([folder.file("none")], 66, "/none: No such"),
            ([bad, "--nonsense"], 64, "--nonsense"),
        ] as [([String], Int32, String)] {
            let result = try compile(arguments)
            #expect(result.code == code)
            #expect(result.errors.contains(text), "\(result.errors)")
        }
        #expect(folder.names() == ["bad"])
    }
}
