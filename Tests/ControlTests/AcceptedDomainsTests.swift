import Control
import Glibc
import MailModel
import TestSupport
import Testing

@Suite struct AcceptedDomainsTests {
    private let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try folder.write("me", "mx.test\n")
    }

    private func accepts(_ address: String) throws -> Bool {
        let domains = try AcceptedDomains(ControlFolder(folder.path))
        return try domains.accepts(Mailbox(Array(address.utf8)))
    }

    @Test func `without any file we accept for nobody, ourselves included`() throws {
        #expect(try !accepts("a@mx.test"))
        #expect(try !accepts("a"))
    }

    @Test func `who has no name knows his domains all the same`() throws {
        try #require(unlink(folder.file("me")) == 0)
        try folder.write("rcpthosts", "x.test\n")
        #expect(try accepts("a@x.test"))
        #expect(try !accepts("a@y.test"))
        #expect(try !accepts("a"))
        try folder.write("envnoathost", "x.test\n")
        #expect(try accepts("a"))
    }

    @Test func `rcpthosts alone say, even when it is empty`() throws {
        try folder.write("locals", "local.test\n")
        #expect(try accepts("a@LOCAL.test"))
        try folder.write("rcpthosts", "")
        #expect(try !accepts("a@local.test"))
        try folder.write("rcpthosts", "Listed.test\n.sub.test\n")
        #expect(try accepts("a@listed.TEST"))
        #expect(try accepts("a@x.sub.test"))
        #expect(try !accepts("a@sub.test"))
        #expect(try !accepts("a@local.test"))
        #expect(try !accepts("a@"))
    }

    @Test func `morercpthosts counts beside rcpthosts, and its database before its text`() throws {
        try folder.write("morercpthosts", "text.test\n")
        #expect(try accepts("a@text.test"))
        try folder.write(
            "morercpthosts.cdb", constantDatabase([("cdb.test", ""), (".s.test", "")]))
        #expect(try accepts("a@CDB.test"))
        #expect(try accepts("a@x.s.test"))
        #expect(try !accepts("a@text.test"))
    }

    @Test func `a broken database is an error`() throws {
        try folder.write("morercpthosts.cdb", "short")
        #expect(throws: ControlError.self) { try accepts("a@cdb.test") }
    }

    @Test func `virtual domains count when they have a value`() throws {
        try folder.write(
            "virtualdomains",
            "whole.test:w\n.suffix.test:s\nnot.suffix.test:\nuser@alone.test:u\n:everything\n")
        #expect(try accepts("a@whole.test"))
        #expect(try accepts("a@x.suffix.test"))
        #expect(try !accepts("a@not.suffix.test"))
        #expect(try !accepts("user@alone.test"))
        #expect(try !accepts("a@elsewhere.test"))
    }

    @Test func `what percenthack makes of an address must be ours too`() throws {
        try folder.write("locals", "hack.test\nours.test\n")
        try folder.write("percenthack", "hack.test\n")
        #expect(try accepts("a%ours.test@hack.test"))
        #expect(try !accepts("a%other.test@hack.test"))
        #expect(try !accepts("a%other.test%hack.test@hack.test"))
        #expect(try accepts("a%other.test@ours.test"))
        #expect(try accepts("a@hack.test"))
    }

    @Test func `an address without a domain is in the domain of envnoathost`() throws {
        try folder.write("locals", "mx.test\n")
        #expect(try accepts("postmaster"))
        try folder.write("envnoathost", "elsewhere.test\n")
        #expect(try !accepts("postmaster"))
    }
}
