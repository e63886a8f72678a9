import Glibc
import TestSupport
import Testing

/// Who asks for a virtual user at RCPT and who delivers to him say the same, without vpopmail's and
/// vmailmgr's own programs.
@Suite struct VirtualAgreementTests {
    /// What both must say.
    enum Answer: String {
        case takes
        /// Taken, and sent on: nobody queues it here, so that it is kept.
        case sendsOn
        case refuses
        case keeps
    }

    private func check(_ address: String, _ answer: Answer, extensions: String? = nil) throws {
        let host = try VirtualHost()
        if let extensions { try host.tree.control("extensions", "\(extensions)\n") }
        var validate = try Tool(
            "rcpt-validate", ["--root", host.root, "--sender", "a@x.test", "--recipient", address])
        validate.message = Array("Subject: x\n\nx\n".utf8)
        let validated = try validate.run()
        let expected: [Int32] =
            switch answer {
            case .takes, .sendsOn: [0]
            case .refuses: [31]
            case .keeps: [54, 71]
            }
        #expect(expected.contains(validated.code), "\(validated.errors)")
        var deliver = try Tool(
            "deliver-local",
            ["--root", host.root, "--sender", "a@x.test", address]
                + (geteuid() == 0 ? ["--as-owner"] : []))
        deliver.message = validate.message
        let delivered = try deliver.run()
        let codes: [Int32] =
            switch answer {
            case .takes: [0]
            case .refuses: [67, 69]
            case .keeps, .sendsOn: [75]
            }
        #expect(codes.contains(delivered.code), "\(delivered.code) \(delivered.errors)")
    }

    @Test(arguments: [
        ("carol@pop.test", Answer.takes), ("CAROL@Pop.Test", .takes), ("carol@alias.test", .takes),
        ("hashed@pop.test", .takes), ("first.last@pop.test", .takes), ("nopop@pop.test", .takes),
        ("sales@pop.test", .takes), ("list-x@pop.test", .sendsOn), ("sent@pop.test", .sendsOn),
        ("away@pop.test", .sendsOn), ("closed@pop.test", .refuses), ("gone@pop.test", .refuses),
        ("nobody@pop.test", .refuses), ("carol-ext@pop.test", .refuses), ("a%b@pop.test", .refuses),
        ("nobody@alias.test", .refuses), ("any@drop.test", .takes), ("any@send.test", .sendsOn),
        ("any@folder.test", .takes), ("any@maildir.test", .takes), ("any@bad.test", .keeps),
        ("any@sql.test", .keeps),
        ("two@virt.test", .takes), ("TWO@virt.test", .takes), ("old@virt.test", .takes),
        ("sales@virt.test", .takes), ("both@virt.test", .sendsOn), ("sent@virt.test", .sendsOn),
        ("off@virt.test", .refuses), ("expired@virt.test", .refuses),
        ("nobody@virt.test", .refuses), ("two-ext@virt.test", .refuses), ("bad@virt.test", .keeps),
        ("any@all.test", .takes),
    ])
    func `without extensions`(address: String, answer: Answer) throws {
        try check(address, answer)
    }

    @Test(arguments: [
        ("carol-ext@pop.test", Answer.takes), ("carol-lists-x@pop.test", .takes),
        ("carol+tag@pop.test", .takes), ("closed-x@pop.test", .refuses),
        ("nobody-x@pop.test", .refuses), ("two-a-b@virt.test", .takes),
        ("off-x@virt.test", .refuses), ("nobody-x@virt.test", .refuses),
    ])
    func `with the extensions of the root`(address: String, answer: Answer) throws {
        try check(address, answer, extensions: "-+")
    }

    @Test func `extensions that are none are refused at start`() throws {
        let host = try VirtualHost()
        try host.tree.control("extensions", "abc\n")
        for name in ["rcpt-validate", "deliver-local"] {
            let result = try Tool(name, ["--root", host.root, "x@pop.test"]).run()
            #expect([55, 78, 64].contains(result.code), "\(result.errors)")
        }
    }
}
