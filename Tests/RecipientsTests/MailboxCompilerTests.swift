import Control
import Foundation
import MailModel
import Recipients
import TestSupport
import Testing

@Suite struct MailboxCompilerTests {
    private static let list = """
        # ours
        alice@Example.test

        @all.test\t/all/
        own@all.test   rel ative/Maildir
        ünï@example.test
        """
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func compile(_ text: String) throws -> MailboxCompiler.Counts {
        let path = try folder.write("mailboxes", text, mode: 0o640)
        return try MailboxCompiler.compile(path, to: "\(path).cdb")
    }

    private func age(_ name: String, _ seconds: TimeInterval) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -seconds)],
            ofItemAtPath: folder.file(name))
    }

    @Test(arguments: [
        "alice@example.test", "ALICE@EXAMPLE.TEST", "bob@example.test", "x@all.test",
        "own@all.test", "own-ext@all.test", "alice+tag@example.test", "-@all.test", "@all.test",
        "ünï@example.test", "x@elsewhere.test", "x@sub.all.test", "example.test", "x@", "@",
    ])
    func `text, database and database beside the text answer alike`(address: String) throws {
        try #require(try compile(Self.list).mailboxes == 4)
        let source = folder.file("mailboxes")
        let beside = try ask(address, "file:\(source)", separators: "-+")
        let alone = try ask(address, "cdb:\(source).cdb", separators: "-+")
        try folder.write("text", Self.list)
        let text = try ask(address, "file:\(folder.file("text"))", separators: "-+")
        #expect(beside == text)
        #expect(alone == text)
    }

    @Test func `the domains that the queue delivers here are those of either`() throws {
        try folder.write("mailboxes", Self.list)
        let control = ControlFolder(folder.path)
        let listed = try control.mailboxDomains()
        #expect(listed == [Array("example.test".utf8), Array("all.test".utf8)])
        _ = try compile(Self.list)
        #expect(try control.mailboxDomains() == listed)
        unlink(folder.file("mailboxes"))
        #expect(try control.mailboxDomains() == listed)
        unlink(folder.file("mailboxes.cdb"))
        #expect(try control.mailboxDomains().isEmpty)
    }

    @Test func `the database is used unless it is older than the text`() throws {
        _ = try compile("a@x.test\n")
        let path = folder.file("mailboxes")
        let settings = SourceSettings(Root("/r"))
        var file = try MailboxFile(path, settings)
        // A list that would be refused is not read: the database is as old as it.
        try age("mailboxes", 100)
        try folder.write("mailboxes", "b@x.test\n")
        try age("mailboxes", 100)
        #expect(try file.find(Mailbox(Array("a@x.test".utf8))) != .noSuchMailbox)
        // Newer by a second: the text counts, at once.
        try folder.write("mailboxes", "b@x.test\n")
        try age("mailboxes.cdb", 1)
        #expect(try file.find(Mailbox(Array("a@x.test".utf8))) == .noSuchMailbox)
        #expect(try file.find(Mailbox(Array("b@x.test".utf8))) != .noSuchMailbox)
        // Compiled again, and without the text.
        _ = try compile("c@x.test\n")
        #expect(try file.find(Mailbox(Array("c@x.test".utf8))) != .noSuchMailbox)
        unlink(path)
        #expect(try file.find(Mailbox(Array("c@x.test".utf8))) != .noSuchMailbox)
        #expect(try file.find(Mailbox(Array("b@x.test".utf8))) == .noSuchMailbox)
    }

    @Test func `a cdb that somebody else made is not taken for ours`() throws {
        let path = try folder.write("mailboxes", "a@x.test\n")
        try folder.write("mailboxes.cdb", constantDatabase([("b@x.test", "")]))
        #expect(word("a@x.test", "file:\(path)") == "yes")
        #expect(word("b@x.test", "file:\(path)") == "no")
    }

    @Test func `a damaged database is no answer, though the text is there`() throws {
        _ = try compile("a@x.test\n")
        var bytes = try folder.read("mailboxes.cdb")
        bytes.removeLast()
        try folder.write("mailboxes.cdb", bytes)
        #expect(word("a@x.test", "file:\(folder.file("mailboxes"))") == "error")
    }

    @Test func `it has the time and the permissions of the list`() throws {
        try folder.write("mailboxes", "a@x.test\n", mode: 0o640)
        try age("mailboxes", 1000)
        let path = folder.file("mailboxes")
        _ = try MailboxCompiler.compile(path, to: "\(path).cdb")
        let manager = FileManager.default
        let list = try manager.attributesOfItem(atPath: path)
        let made = try manager.attributesOfItem(atPath: "\(path).cdb")
        #expect(list[.modificationDate] as? Date == made[.modificationDate] as? Date)
        #expect(made[.posixPermissions] as? Int == 0o640)
    }

    @Test(arguments: [
        ("a@x.test\nnonsense\n", "mailboxes:2: not local@domain or @domain: nonsense"),
        ("a@x.test\n# x\nb@x.test\nA@X.test /p\n", "mailboxes:4: a@x.test is in line 1 already"),
        ("@x.test\n", "mailboxes:1: @x.test cannot name a folder: give a path after it"),
        ("a@x.test \u{0}\n", "mailboxes:1: the path is not UTF-8"),
        ("a@x.test\n" + String(repeating: "x", count: 300_000), "mailboxes:2: the line has more"),
    ])
    func `a bad line is named, and an old database stays`(text: String, error: String) throws {
        _ = try compile("old@x.test\n")
        let before = try folder.read("mailboxes.cdb")
        let thrown = #expect(throws: ControlError.self) { try compile(text) }
        #expect(thrown?.description.contains("\(folder.path)/\(error)") == true, "\(thrown as Any)")
        #expect(try folder.read("mailboxes.cdb") == before)
        #expect(folder.names() == ["mailboxes", "mailboxes.cdb"])
    }

    @Test func `lines at the edges of what is read at once stay whole`() throws {
        let lines = (0..<40_000).map { "user\($0)@domain\($0 % 7).test\n" }.joined()
        let counts = try compile(lines + "last@domain0.test")
        #expect(counts.mailboxes == 40_001 && counts.domains == 7)
        let source = "cdb:\(folder.file("mailboxes.cdb"))"
        let settings = SourceSettings(Root("/r"))
        var sources = try RecipientSources([source], settings)
        for number in stride(from: 0, to: 40_000, by: 37) {
            let address = "user\(number)@domain\(number % 7).test"
            #expect(try sources.find(Mailbox(Array(address.utf8))) != .noSuchMailbox, "\(address)")
        }
        #expect(try sources.find(Mailbox(Array("last@domain0.test".utf8))) != .noSuchMailbox)
    }
}
