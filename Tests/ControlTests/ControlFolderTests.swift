import Control
import MailModel
import TestSupport
import Testing

@Suite struct ControlFolderTests {
    private let folder: TestFolder
    private let control: ControlFolder

    init() throws {
        folder = try TestFolder()
        control = ControlFolder(folder.path)
    }

    @Test func `a missing file is not an empty file`() throws {
        try folder.write("empty", "")
        #expect(try control.line("empty") == [])
        #expect(try control.list("empty") == [])
        #expect(try control.line("missing") == nil)
        #expect(try control.list("missing") == nil)
        #expect(try control.keys("missing") == nil)
    }

    @Test func `a file that cannot be read is an error, never missing`() throws {
        try folder.write("folder/inside", "")
        #expect(throws: ControlError.self) { try control.line("folder") }
        #expect(throws: ControlError.self) { try control.list("folder/inside/below") }
    }

    @Test func `a line loses its trailing blanks and nothing else`() throws {
        try folder.write("me", "  mx.example.test \t\r \t\nsecond\n")
        #expect(try control.line("me") == Array("  mx.example.test \t\r".utf8))
    }

    @Test(arguments: [
        ("4096\n", 4096), ("12 minutes\n", 12), ("0", 0), ("99999999999999999999", Int.max),
    ])
    func `a number is what the first line begins with`(text: String, number: Int) throws {
        try folder.write("databytes", text)
        #expect(try control.integer("databytes") == number)
    }

    @Test(arguments: ["", "\n5\n", " 5\n", "-5\n", "many\n"])
    func `a line that begins with no digit is no number`(text: String) throws {
        try folder.write("databytes", text)
        #expect(try control.integer("databytes") == nil)
    }

    @Test func `a list leaves out empty lines and comments and counts all`() throws {
        try folder.write("locals", "# ours\n\none\n   \n two\n#three\nfour # five")
        let lines = try #require(try control.list("locals"))
        #expect(lines.map(\.bytes.printable) == ["one", " two", "four # five"])
        #expect(lines.map(\.number) == [3, 5, 7])
    }

    @Test func `of two lines with one key the later wins, whatever their case`() throws {
        try folder.write("smtproutes", "A.test:one\na.TEST:two:25\nno colon\n:last\n")
        let map = try #require(try control.map("smtproutes"))
        #expect(map["a.test".utf8]?.printable == "two:25")
        #expect(map["no colon".utf8] == nil)
        #expect(map["".utf8]?.printable == "last")
    }

    @Test func `a domain is looked up whole, then by its suffixes from the longest`() throws {
        try folder.write("smtproutes", ".b.c:suffix\n.c:short\na.b.c:whole\n:empty\n")
        let map = try #require(try control.map("smtproutes"))
        #expect(map.value(forDomain: "A.b.c".utf8)?.printable == "whole")
        #expect(map.value(forDomain: "x.b.c".utf8)?.printable == "suffix")
        #expect(map.value(forDomain: "b.c".utf8)?.printable == "short")
        #expect(map.value(forDomain: "c".utf8) == nil)
        #expect(map.value(forDomain: "".utf8) == nil)
    }

    @Test func `our name must be there`() throws {
        #expect(throws: ControlError.self) { try control.me() }
        try folder.write("me", "\n")
        #expect(throws: ControlError.self) { try control.me() }
        try folder.write("me", "mx.test\n")
        #expect(try control.lineOrMe("helohost") == Array("mx.test".utf8))
    }

    @Test func `listeners are read with their services`() throws {
        try folder.write("listen", "smtp 0.0.0.0:25\nsubmission\t[::]:587\n")
        let listeners = try control.listeners()
        #expect(listeners.map(\.service) == [.smtp, .submission])
        #expect(listeners.map(\.endpoint.description) == ["0.0.0.0:25", "[::]:587"])
    }

    @Test(arguments: [
        "smtp", "smtp 127.0.0.1", "smtp 127.0.0.1:65536", "smtp ::1:25", "pop3 127.0.0.1:110",
        "smtp localhost:25", "smtp 127.0.0.1:25 more", "smtp [127.0.0.1:25",
    ])
    func `a listener that is none is an error with file and line`(line: String) throws {
        try folder.write("listen", "# one\n\(line)\n")
        let error = #expect(throws: ControlError.self) { try control.listeners() }
        #expect(error?.description.hasPrefix("\(folder.path)/listen:2: ") == true)
    }

    @Test func `relay clients are addresses and networks`() throws {
        #expect(try control.relayClients().isEmpty)
        try folder.write("relayclients", "127.0.0.1\n2001:db8::/32\n")
        #expect(try control.relayClients().map(\.description) == ["127.0.0.1/32", "2001:db8::/32"])
        try folder.write("relayclients", "127.0.0.1\n10.0.0\n")
        let error = #expect(throws: ControlError.self) { try control.relayClients() }
        #expect(error?.description.contains("/relayclients:2: ") == true)
    }
}
