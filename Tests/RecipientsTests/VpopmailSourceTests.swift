import Glibc
import Recipients
import TestSupport
import Testing

/// vpopmail's layout, row by row, and what chkuser makes of it.
@Suite struct VpopmailSourceTests {
    private let tree: QmailTree
    private var source: String { "vpopmail:\(tree.vpopmail)?qmail=\(tree.qmail)" }

    init() throws {
        tree = try QmailTree()
        try tree.assign([
            tree.assignment("pop.test"), tree.assignment("alias.test", of: "pop.test"),
            tree.assignment("all.test"), tree.assignment("drop.test"),
            tree.assignment("send.test"), tree.assignment("folder.test"),
            tree.assignment("text.test"), tree.assignment("sql.test"),
            tree.assignment("spam.test"), tree.assignment("takes.test"),
            tree.assignment("none.test"), tree.assignment("bad.test"),
        ])
        let hashed = "\(tree.domain("pop.test"))/A/hashed"
        try tree.makeDomain(
            "pop.test",
            users: [
                tree.user("alice", of: "pop.test"), tree.user("bob", of: "pop.test", flags: 0x10),
                tree.user("nopop", of: "pop.test", flags: 0x2 | 0x800),
                tree.user("hashed", of: "pop.test", folder: hashed),
                tree.user("new", of: "pop.test", folder: ""),
                tree.user("away", of: "pop.test"), tree.user("gone", of: "pop.test"),
            ])
        let path = "vpopmail/domains/pop.test"
        try tree.folder.write("\(path)/.qmail-sales", "&alice@pop.test\n")
        try tree.folder.write("\(path)/.qmail-first:last", "&alice@pop.test\n")
        try tree.folder.write("\(path)/.qmail-list-default", "|ezmlm-get\n")
        try tree.folder.write("\(path)/away/.qmail", "&elsewhere@x.test\n")
        try tree.folder.write("\(path)/gone/.qmail", "| bouncesaying 'He left'\n")
        for (domain, word) in [
            ("all.test", "all@pop.test"), ("drop.test", "delete"), ("send.test", "x@y.test"),
            ("folder.test", "/srv/catch"),
        ] {
            try tree.makeDomain(domain, users: [], catchAll: word)
        }
        try tree.makeDomain(
            "text.test", users: [tree.user("alice", of: "text.test")], isCompiled: false)
        try tree.folder.write(
            "vpopmail/domains/sql.test/.qmail-default", "| /v/vdelivermail '' bounce-no-mailbox\n")
        try tree.makeDomain("spam.test", users: [tree.user("alice", of: "spam.test")])
        try tree.folder.write(
            "vpopmail/domains/spam.test/.qmail-default",
            "| /usr/bin/spamc | '/v p/vdelivermail' '' bounce-no-mailbox\n")
        try tree.makeDomain("takes.test", users: [])
        try tree.folder.write("vpopmail/domains/takes.test/.qmail-default", "|/usr/bin/maildrop\n")
        try tree.folder.write("vpopmail/domains/none.test/vpasswd", "")
        try tree.makeDomain("bad.test", users: ["short:x:1", "gid:x:1:two:g:/d:NOQUOTA"])
    }

    @Test(arguments: [
        ("alice@pop.test", "yes"), ("ALICE@Pop.Test", "yes"), ("nobody@pop.test", "no"),
        ("alice@other.test", "unknown"), ("alice@sub.pop.test", "unknown"),
        // BOUNCE_MAIL is a flag of delivery, NO_POP and NO_SMTP are not.
        ("bob@pop.test", "refused"), ("nopop@pop.test", "yes"),
        // A user without a folder gets one when mail comes.
        ("new@pop.test", "yes"), ("hashed@pop.test", "yes"),
        // Aliases are dot-qmail files of the domain, dots as colons.
        ("sales@pop.test", "yes"), ("first.last@pop.test", "yes"), ("list-any@pop.test", "yes"),
        ("list@pop.test", "no"), ("alice-ext@pop.test", "no"),
        // A user's own file.
        ("away@pop.test", "yes"), ("gone@pop.test", "no"),
        // An alias domain is the other one.
        ("alice@alias.test", "yes"), ("nobody@alias.test", "no"), ("sales@alias.test", "yes"),
        // The second word of vdelivermail is for all others.
        ("any@all.test", "yes"), ("any@drop.test", "yes"), ("any@send.test", "yes"),
        ("any@folder.test", "yes"),
        // vdelivermail returns what is no valid name before it looks at its second word.
        ("a\"b@drop.test", "no"), ("a%b@drop.test", "no"), ("a+b@drop.test", "yes"),
        // The text where there is no cdb; neither means users in SQL, and no answer.
        ("alice@text.test", "yes"), ("nobody@text.test", "no"), ("alice@sql.test", "error"),
        // vdelivermail behind another program, and another program in its place.
        ("alice@spam.test", "yes"), ("nobody@spam.test", "no"), ("any@takes.test", "yes"),
        // Without the file for all others qmail would return all mail of the domain.
        ("any@none.test", "error"),
        // A damaged record is no answer.
        ("short@bad.test", "error"), ("gid@bad.test", "error"), ("nobody@bad.test", "no"),
        // Nothing leads out of the domain.
        ("../all.test/x@pop.test", "no"), ("a/../../b@pop.test", "no"), ("/etc@pop.test", "no"),
        ("\u{1}@pop.test", "no"), ("\u{FC}@pop.test", "no"),
    ])
    func `an address is what vpopmail makes of it`(address: String, expected: String) {
        #expect(word(address, source) == expected)
    }

    @Test(arguments: [
        ("alice-ext@pop.test", "yes"), ("alice-a-b@pop.test", "yes"), ("bob-x@pop.test", "refused"),
        ("nobody-x@pop.test", "no"), ("-alice@pop.test", "no"), ("list-x@pop.test", "yes"),
        ("alice+tag@pop.test", "yes"),
    ])
    func `with extensions it is the user before the first separator`(
        address: String, expected: String
    ) {
        #expect(word(address, source, separators: "-+") == expected)
    }

    @Test func `mail is where the record says, not where the name would lead`() throws {
        let folder = tree.domain("pop.test")
        #expect(
            try ask("hashed@pop.test", source) == .exists(.maildir("\(folder)/A/hashed/Maildir")))
        #expect(
            try ask("away@pop.test", source) == .exists(.instructions("\(folder)/away/.qmail")))
        #expect(
            try ask("x@folder.test", source) == .exists(.maildir("/srv/catch/Maildir")))
    }

    @Test func `by way of qmail the answers are the same`() throws {
        try tree.control("virtualdomains", "pop.test:pop.test\nalias.test:alias.test\n")
        let qmail = "qmail:\(tree.qmail)?passwd=\(tree.passwd)"
        for (address, expected) in [
            ("alice@pop.test", "yes"), ("nobody@pop.test", "no"), ("bob@pop.test", "refused"),
            ("sales@alias.test", "yes"), ("alice@all.test", "unknown"), ("gone@pop.test", "no"),
        ] {
            #expect(word(address, qmail) == expected, "\(address)")
        }
    }

    @Test func `a FIFO in the place of vpasswd is no answer, and holds nobody up`() throws {
        let domain = tree.domain("text.test")
        for name in ["vpasswd", "vpasswd.cdb"] {
            unlink("\(domain)/\(name)")
            try #require(mkfifo("\(domain)/\(name)", 0o600) == 0)
            #expect(word("alice@text.test", source) == "error")
        }
    }

    @Test func `a folder that is none, or no users/cdb, is refused at start`() throws {
        #expect(word("a@b.test", "vpopmail:/nowhere?qmail=\(tree.qmail)") == "error")
        #expect(word("a@b.test", "vpopmail:\(tree.vpopmail)?qmail=/nowhere") == "error")
    }
}
