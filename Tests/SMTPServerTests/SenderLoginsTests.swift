import Control
import MailModel
import TestSupport
import Testing

@testable import SMTPServer

@Suite struct SenderLoginsTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func logins(_ text: String) throws -> SenderLogins? {
        try folder.write("senderlogins", text)
        return try SenderLogins(ControlFolder(folder.path))
    }

    @Test func `without the file there is no rule`() throws {
        #expect(try SenderLogins(ControlFolder(folder.path)) == nil)
    }

    private static let rows: [(String, String, Bool, String)] = [
        ("sales@a.test", "anna", true, "one of the address's line"),
        ("sales@a.test", "otto", true, "the other"),
        ("sales@a.test", "root", false, "none of it, though one of the domain's"),
        ("SALES@A.TEST", "Anna", true, "case does not count"),
        ("x@a.test", "root", true, "the domain's line"),
        ("x@a.test", "anna", false, "not one of the domain's"),
        ("anna@b.test", "anna@b.test", true, "the login itself"),
        ("otto@b.test", "anna@b.test", false, "another's login"),
        ("anna", "anna", true, "an address without a domain that is the login"),
        ("news@c.test", "anybody", true, "everybody's"),
        ("twice@d.test", "otto", true, "a second line adds"),
        ("twice@d.test", "anna", true, "and takes nothing"),
        ("", "anna", true, "the null reverse-path is everybody's"),
    ]

    @Test(arguments: rows)
    func `a reverse-path is for whom the lines name`(
        path: String, user: String, isAdmitted: Bool, reason: String
    ) throws {
        let logins = try #require(
            try logins(
                """
                # who may use what
                sales@a.test anna,Otto
                @A.test\troot
                news@c.test *
                twice@d.test anna
                twice@d.test otto

                """))
        let reversePath = try ReversePath(Array(path.utf8))
        #expect(logins.admits(reversePath, Array(user.utf8)) == isAdmitted, "\(reason)")
    }

    @Test func `the null reverse-path may have a line`() throws {
        let logins = try #require(try logins("<> daemon\n"))
        #expect(logins.admits(.null, Array("daemon".utf8)))
        #expect(!logins.admits(.null, Array("anna".utf8)))
    }
}
