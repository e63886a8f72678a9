import Control
import MailModel
import Recipients
import TestSupport
import Testing

@Suite struct AddressDatabaseTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func source(_ keys: [String]) throws -> String {
        let records = keys.map { ($0, "") }
        return "cdb:\(try folder.write("some.cdb", constantDatabase(records)))"
    }

    private static let validrcptto = [
        "a@x.test", "-b@x.test", "@all.test", "-c@all.test", "-@no.test", "d@no.test", "-e@y.test",
        "@both.test", "-@both.test", "f@y.test",
    ]

    @Test(arguments: [
        // Exact yes, exact no, domain yes, domain no.
        ("a@x.test", "yes"), ("A@X.Test", "yes"), ("b@x.test", "no"), ("z@x.test", "no"),
        ("z@all.test", "yes"), ("c@all.test", "no"), ("z@no.test", "no"), ("d@no.test", "yes"),
        ("z@both.test", "yes"), ("z@z.test", "unknown"), ("z", "unknown"), ("z@", "unknown"),
        ("f@y.test", "yes"), ("e@y.test", "no"),
        // A hyphen in front is a name, not a key of another meaning.
        ("-b@x.test", "no"), ("-e@y.test", "no"), ("a-ext@x.test", "no"),
    ])
    func `a validrcptto.cdb is read with its negations in order`(
        address: String, expected: String
    ) throws {
        #expect(word(address, try source(Self.validrcptto)) == expected)
    }

    @Test(arguments: [
        ("a-ext@x.test", "yes"), ("b-ext@x.test", "no"), ("c-ext@all.test", "no"),
        ("z-ext@all.test", "yes"), ("a-b-c@x.test", "yes"),
    ])
    func `an extension comes before the domain`(address: String, expected: String) throws {
        #expect(word(address, try source(Self.validrcptto), separators: "-") == expected)
    }

    @Test(arguments: [
        ("a@x.test", "yes"), ("A@x.test", "yes"), ("b@x.test", "no"), ("v-any@x.test", "yes"),
        ("v=any=a@x.test", "no"), ("w+tag@x.test", "yes"), ("z@all.test", "yes"),
        (":a@x.test", "no"), ("a@z.test", "unknown"),
    ])
    func `a recipients.cdb has the keys of fastforward`(address: String, expected: String) throws {
        let keys = [":a@x.test", ":v-@x.test", ":w+@x.test", ":@all.test", ":root@"]
        #expect(word(address, try source(keys)) == expected)
    }

    @Test func `a change is seen, also one of the domains`() throws {
        let settings = SourceSettings(Root("/r"))
        var sources = try RecipientSources([try source(["a@x.test"])], settings)
        #expect(try sources.find(Mailbox(Array("b@y.test".utf8))) == .unknownDomain)
        _ = try source(["a@x.test", "a@y.test"])
        #expect(try sources.find(Mailbox(Array("b@y.test".utf8))) == .noSuchMailbox)
        #expect(try sources.find(Mailbox(Array("a@y.test".utf8))) == .exists(.elsewhere))
    }

    @Test func `a missing or broken file is refused at start`() throws {
        #expect(word("a@x.test", "cdb:\(folder.file("none"))") == "error")
        #expect(word("a@x.test", "cdb:\(try folder.write("x", "not a cdb"))") == "error")
    }
}
