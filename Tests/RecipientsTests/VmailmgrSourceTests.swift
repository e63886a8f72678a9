import Recipients
import TestSupport
import Testing

/// vmailmgr's records, row by row.
@Suite struct VmailmgrSourceTests {
    private let tree: QmailTree
    private var source: String { "vmailmgr:\(tree.qmail)?passwd=\(tree.passwd)" }

    init() throws {
        tree = try QmailTree()
        try tree.writePasswd([
            ("alias", tree.uid), ("base", tree.uid), ("all", tree.uid), ("plain", tree.uid),
            ("lone", tree.uid),
        ])
        try tree.control("locals", "mx.test\n")
        try tree.control(
            "virtualdomains",
            "virt.test:base\nall.test:all\nplain.test:plain\nlone.test:lone\nno.test:nouser\n")
        for user in ["base", "all"] { try tree.dotQmail(user, "-default", "| vdeliver\n") }
        try tree.dotQmail("base", "-sales", "&x@y.test\n")
        try tree.dotQmail("plain", "-default", "./Maildir/\n")
        let record = QmailTree.virtualUser
        try write(
            "base",
            [
                ("two", record([10, 1, 8, 1, 0], "./users/two", [], "-", "-", "-")),
                ("one", record(nil, "./users/one", [], "-", "-", "-")),
                ("off", record([10, 1, 8, 0, 0], "./users/off", [], "-", "-", "-")),
                ("offsent", record([10, 1, 8, 0, 0], "./u", ["a@b.test"], "-", "-", "-")),
                ("none", record([10, 0, 8, 1, 0], "", [], "-", "-", "-")),
                ("sent", record([10, 0, 0], "", ["a@b.test", "c"], "-", "-", "-")),
                ("noflags", record([0], "./users/n", [], "-", "-", "-")),
                ("expired", record([10, 1, 0], "./u", [], "-", "-", "1000000000")),
                ("later", record([10, 1, 0], "./u", [], "-", "-", "4000000000")),
                ("old", Array(":pass:./users/old".utf8)), ("oldsent", Array(":p:&a,b".utf8)),
                ("oldempty", Array(":p:".utf8)),
                ("flag", record([9, 1, 0], "./u", [], "-", "-", "-")),
                ("three", [3] + Array(record([0], "./u", [], "-", "-", "-").dropFirst())),
                ("cut", Array(record([10, 1, 0], "./u", [], "-", "-", "-").dropLast(3))),
                ("number", record([10, 1, 0], "./u", [], "many", "-", "-")), ("empty", []),
                ("more", record([10, 1, 0], "./u", [], "-", "-", "-") + [0x31, 0]),
            ])
        try write(
            "all",
            [("+", record([10, 0, 0], "", ["x@y.test"], "-", "-", "-")), ("bad", Array("x".utf8))])
        try write("lone", [("two", record([10, 1, 0], "./u", [], "-", "-", "-"))])
    }

    private func write(_ user: String, _ records: [(String, [UInt8])]) throws {
        try tree.folder.write(
            "home/\(user)/passwd.cdb",
            constantDatabase(of: records.map { (Array($0.0.utf8), $0.1) }))
    }

    @Test(arguments: [
        ("two@virt.test", "yes"), ("TWO@Virt.Test", "yes"), ("one@virt.test", "yes"),
        ("nobody@virt.test", "no"), ("x@elsewhere.test", "unknown"),
        // A dot-qmail file of the base user comes first.
        ("sales@virt.test", "yes"),
        // Mailbox and its flag, addresses to send on to.
        ("off@virt.test", "refused"), ("offsent@virt.test", "yes"), ("none@virt.test", "refused"),
        ("sent@virt.test", "yes"), ("noflags@virt.test", "yes"),
        ("expired@virt.test", "refused"), ("later@virt.test", "yes"),
        // The oldest form.
        ("old@virt.test", "yes"), ("oldsent@virt.test", "yes"), ("oldempty@virt.test", "refused"),
        // What vmailmgr does not understand is damage, and no answer.
        ("flag@virt.test", "error"), ("three@virt.test", "error"), ("cut@virt.test", "error"),
        ("number@virt.test", "error"), ("empty@virt.test", "error"), ("more@virt.test", "error"),
        // The user + takes all others, but not those whose record is damaged.
        ("any@all.test", "yes"), ("bad@all.test", "error"),
        // A base user without a table, or none at all: somebody else's domain.
        ("x@plain.test", "unknown"), ("x@no.test", "unknown"), ("two@mx.test", "unknown"),
        // No file for all others: qmail would return all mail.
        ("two@lone.test", "error"),
        ("two-ext@virt.test", "no"), ("../two@virt.test", "no"), ("+@virt.test", "no"),
    ])
    func `an address is what vmailmgr makes of it`(address: String, expected: String) {
        #expect(word(address, source) == expected)
    }

    @Test func `an extension comes before the user for all others`() throws {
        #expect(word("two-ext@virt.test", source, separators: "-") == "yes")
        #expect(word("off-ext@virt.test", source, separators: "-") == "refused")
    }

    @Test func `the Maildir is below the home of the base user`() throws {
        let expected = "\(tree.home("base"))/users/two"
        #expect(try ask("two@virt.test", source) == .exists(.maildir(expected)))
    }

    @Test func `by way of qmail the answers are the same`() {
        let qmail = "qmail:\(tree.qmail)?passwd=\(tree.passwd)"
        for (address, expected) in [
            ("two@virt.test", "yes"), ("nobody@virt.test", "no"), ("off@virt.test", "refused"),
            ("sales@virt.test", "yes"), ("any@all.test", "yes"), ("cut@virt.test", "error"),
        ] {
            #expect(word(address, qmail) == expected, "\(address)")
        }
    }

    @Test(arguments: [("999", "-", "yes"), ("10", "-", "full"), ("-", "1", "full")])
    func `quotas are those of the record`(bytes: String, count: String, expected: String) throws {
        try write(
            "base",
            [("two", QmailTree.virtualUser(hardQuota: bytes, messages: count))])
        try tree.folder.write("home/base/users/u/new/1.2.host", "0123456789")
        #expect(word("two@virt.test", source, quota: true) == expected)
        #expect(word("two@virt.test", source) == "yes")
    }
}
