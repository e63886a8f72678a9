import Control
import Glibc
import MailModel
import Recipients
import TestSupport
import Testing

/// Contract of qmail-send, qmail-lspawn, qmail-getpw and qmail-local, row by row.
@Suite struct QmailSourceTests {
    private let tree: QmailTree
    private var source: String { "qmail:\(tree.qmail)?passwd=\(tree.passwd)" }

    init() throws {
        tree = try QmailTree()
        try tree.writePasswd([
            ("alias", tree.uid), ("alice", tree.uid), ("al-ice", tree.uid), ("root", 0),
            ("stolen", tree.uid &+ 1), ("base", tree.uid),
        ])
        try tree.control("locals", "local.test\nLocal2.test\n")
        try tree.control("percenthack", "hack.test\nlocal2.test\n")
        try tree.control(
            "virtualdomains",
            """
            bob@virtual.test:alias-bob
            virtual.test:base
            .sub.test:alias-sub
            not.sub.test:
            local.test:nobody

            """)
        try tree.dotQmail("alias", "-postmaster", "&alice@local.test\n")
        try tree.dotQmail("alias", "-bob-bob", "./Maildir/\n")
        try tree.dotQmail("alias", "-sub-default", "./Maildir/\n")
        try tree.dotQmail("alice", "-one:two", "./Maildir/\n")
        try tree.dotQmail("alice", "-list-default", "|ezmlm-weed\n")
        try tree.dotQmail("alice", "-empty", "")
        try tree.dotQmail("alice", "-gone", "# moved\n|bouncesaying 'No such user here'\n")
        try tree.dotQmail("alice", "-maybe", "|/q/bin/bouncesaying 'No' ./is-spam\n./Maildir/\n")
        try tree.dotQmail("base", "-default", "./Maildir/\n")
    }

    @Test(arguments: [
        // qmail-send: locals beats virtualdomains, case does not matter, keys from long to short.
        ("alice@local.test", "yes"), ("ALICE@LOCAL.TEST", "yes"), ("x@elsewhere.test", "unknown"),
        ("bob@virtual.test", "yes"), ("any@virtual.test", "yes"), ("x@a.sub.test", "yes"),
        ("x@sub.test", "unknown"), ("x@not.sub.test", "unknown"), ("x@a.not.sub.test", "yes"),
        // percenthack: the last percent, as often as it goes; a domain that is not ours ends it.
        ("alice%local.test@hack.test", "yes"), ("x%elsewhere.test@hack.test", "unknown"),
        ("nobody%local.test@hack.test", "no"), ("alice@hack.test", "unknown"),
        ("alice%local2.test%hack.test@local2.test", "yes"),
        ("alice%elsewhere.test@local.test", "no"),
        // An empty local-part is taken and dropped by qmail-lspawn.
        ("@local.test", "yes"),
        // qmail-getpw: the longest user; no root, nobody without a home of his own; else alias.
        ("al-ice@local.test", "yes"), ("al-ice-x@local.test", "no"), ("root@local.test", "no"),
        ("stolen@local.test", "no"), ("postmaster@local.test", "yes"), ("nobody@local.test", "no"),
        ("alice-@local.test", "no"),
        // qmail-local: the file itself, dots as colons, small letters, default after each hyphen.
        ("alice-one.two@local.test", "yes"), ("alice-One.Two@local.test", "yes"),
        ("alice-one:two@local.test", "yes"), ("alice-list-owner@local.test", "yes"),
        ("alice-list-a-b@local.test", "yes"), ("alice-listowner@local.test", "no"),
        ("alice-empty@local.test", "yes"), ("alice-none@local.test", "no"),
        // A file that only returns mail is no mailbox; one that may is.
        ("alice-gone@local.test", "no"), ("alice-maybe@local.test", "yes"),
        // Nothing leads out of the home.
        ("alice-/../../alias/.qmail-postmaster@local.test", "no"),
        ("alice-../alias/.qmail-postmaster@local.test", "no"), ("../alias@local.test", "no"),
        ("alice-\u{1}\u{7F}@local.test", "no"),
    ])
    func `an address is what qmail makes of it`(address: String, expected: String) {
        #expect(word(address, source) == expected)
    }

    @Test func `without a domain an address is in envnoathost's, else in me's`() throws {
        #expect(word("alice", source) == "unknown")
        try tree.control("envnoathost", "local.test\n")
        #expect(word("alice", source) == "yes")
    }

    @Test func `without locals it is me that is local`() throws {
        unlink("\(tree.qmail)/control/locals")
        #expect(word("alice@mx.test", source) == "yes")
        #expect(word("bob@local.test", source) == "no")
    }

    @Test func `the empty key of virtualdomains takes all domains, an empty value none`() throws {
        try tree.control("virtualdomains", "else.test:\n:base\n")
        #expect(word("x@any.test", source) == "yes")
        #expect(word("x@else.test", source) == "unknown")
    }

    @Test(arguments: [
        // An exact entry, then the longest prefix that ends in a character of the empty key.
        ("exact@local.test", "yes"), ("EXACT@local.test", "yes"), ("pre-x@local.test", "yes"),
        ("pre-x-y@local.test", "no"), ("pre-long-any@local.test", "yes"),
        ("preX@local.test", "no"), ("super@local.test", "error"),
    ])
    func `users/cdb comes before the users of the system`(address: String, expected: String) throws
    {
        try tree.makeHome("other")
        try tree.dotQmail("other", "-two", "./Maildir/\n")
        try tree.dotQmail("other", "-x", "./Maildir/\n")
        try tree.dotQmail("other", "-long-default", "./Maildir/\n")
        let other = "other:\(tree.uid):100:\(tree.home("other"))"
        try tree.assign([
            "=exact:\(other):-:two:", "+pre-:\(other):-::", "+pre-long-:\(other):-:long-:",
            "=super:root:0:0:\(tree.home("other")):::",
        ])
        #expect(word(address, source) == expected)
    }

    @Test func `the empty prefix of users/cdb takes everybody, in the case that was given`() throws
    {
        try tree.assign(["+:base:\(tree.uid):100:\(tree.home("base")):-:all-:"])
        try tree.dotQmail("base", "-all-default", "")
        let expected = "\(tree.home("base"))/.qmail-all-default"
        #expect(try ask("Any@local.test", source) == .exists(.instructions(expected)))
    }

    @Test(arguments: [0o702, 0o1700] as [UInt32])
    func `a home that qmail-local does not use now is no answer`(mode: UInt32) throws {
        try tree.makeHome("alice", mode: mode)
        #expect(word("alice@local.test", source) == "error")
        #expect(word("alice-none@local.test", source) == "error")
    }

    @Test func `a file that everybody may write to is no answer`() throws {
        try tree.dotQmail("alice", "-open", "./Maildir/\n", mode: 0o606)
        #expect(word("alice-open@local.test", source) == "error")
    }

    @Test func `what is no regular file is passed over, and a FIFO does not hold us up`() throws {
        try #require(mkfifo("\(tree.home("alice"))/.qmail-list-fifo", 0o600) == 0)
        try #require(mkdir("\(tree.home("alice"))/.qmail-folder", 0o700) == 0)
        #expect(word("alice-list-fifo@local.test", source) == "yes")
        #expect(word("alice-folder@local.test", source) == "no")
    }

    @Test func `a name that is no text is found as any other`() throws {
        let name = Array("\(tree.home("alice"))/.qmail-j".utf8) + [0xFC, 0x72]
        let file = creat(name.map(CChar.init(bitPattern:)) + [0], 0o600)
        try #require(file >= 0)
        close(file)
        let settings = SourceSettings(Root("/r"))
        var sources = try RecipientSources([source], settings)
        for (byte, isThere) in [(UInt8(0xFC), true), (0xFD, false)] {
            let address = Array("alice-J".utf8) + [byte] + Array("r@local.test".utf8)
            let presence = try sources.find(Mailbox(address))
            #expect((presence != .noSuchMailbox) == isThere)
        }
    }

    @Test func `what cannot be opened is no answer`() throws {
        let path = "\(tree.home("alice"))/.qmail-loop"
        try #require(symlink(path, path) == 0)
        #expect(word("alice-loop@local.test", source) == "error")
        try tree.writePasswd([("alice", tree.uid)])
        // There is no alias any more, and qmail-getpw defers.
        #expect(word("nobody@local.test", source) == "error")
        #expect(word("alice@local.test", source) == "yes")
    }

    @Test func `a name longer than a file's is not there`() {
        let name = String(repeating: "a-", count: 300)
        #expect(word("alice-\(name)@local.test", source) == "no")
    }

    @Test func `a change of the control files is seen at once`() throws {
        let settings = SourceSettings(.init("/r"))
        var sources = try RecipientSources([source], settings)
        #expect(try sources.find(.init(Array("alice@new.test".utf8))) == .unknownDomain)
        try tree.control("locals", "new.test\n")
        #expect(try sources.find(.init(Array("alice@new.test".utf8))) == .exists(.elsewhere))
    }

    @Test func `a qmail that cannot be read is refused at start`() throws {
        #expect(word("alice@local.test", "qmail:/nowhere?passwd=\(tree.passwd)") == "error")
        #expect(word("alice@local.test", "qmail:\(tree.qmail)?passwd=/nowhere") == "error")
        #expect(word("alice@local.test", "qmail:\(tree.qmail)?password=/etc/passwd") == "error")
    }
}
