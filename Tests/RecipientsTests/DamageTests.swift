import Control
import Foundation
import MailModel
import Recipients
import TestSupport
import Testing

/// Whatever became of a file: no trap, and never "there is no such mailbox" for one that is.
@Suite struct DamageTests {
    private let tree: QmailTree
    private var pop: String { "vpopmail:\(tree.vpopmail)?qmail=\(tree.qmail)" }
    private var virtual: String { "vmailmgr:\(tree.qmail)?passwd=\(tree.passwd)" }

    init() throws {
        tree = try QmailTree()
        try tree.writePasswd([("alias", tree.uid), ("base", tree.uid)])
        try tree.control("virtualdomains", "virt.test:base\n")
        try tree.dotQmail("base", "-default", "| vdeliver\n")
        let records = (0..<20).map { (Array("u\($0)".utf8), QmailTree.virtualUser()) }
        try tree.folder.write("home/base/passwd.cdb", constantDatabase(of: records))
        try tree.makeDomain("pop.test", users: (0..<20).map { tree.user("u\($0)", of: "pop.test") })
        try tree.assign([
            tree.assignment("pop.test"), tree.assignment("alias.test", of: "pop.test"),
        ])
    }

    /// Mutates the structure of a cdb, which is all but the bytes of the records' data.
    private func attack(
        _ name: String, _ source: String, _ domain: String, rounds: Int
    ) throws {
        let whole = try tree.folder.read(name)
        let data = Self.dataRanges(whole)
        let settings = SourceSettings(Root("/r"), separators: Array("-".utf8), examinesQuota: true)
        var sources = try RecipientSources([source], settings)
        var generator = SystemRandomNumberGenerator()
        var answers = 0
        for round in 0..<rounds {
            var bytes = whole
            for _ in 0...(round % 8) {
                let index = Int.random(in: (round % 2 * 2048)..<bytes.count, using: &generator)
                guard !data.contains(where: { $0.contains(index) }) else { continue }
                bytes[index] = UInt8.random(in: 0...255, using: &generator)
            }
            if round % 16 == 15 { bytes.removeLast(Int.random(in: 1..<bytes.count)) }
            try Data(bytes).write(to: URL(fileURLWithPath: tree.folder.file(name)))
            let address = Array("u\(round % 20)@\(domain)".utf8)
            do {
                let presence = try sources.find(Mailbox(address))
                #expect(presence != .noSuchMailbox && presence != .unknownDomain)
                answers += 1
            } catch is SourceError {}
            _ = try? sources.find(Mailbox(Array("nobody-x@\(domain)".utf8)))
        }
        #expect(answers > 0, "nothing was left to look at")
        try tree.folder.write(name, whole)
    }

    /// Where the data of the records is. What is in it nobody can hold against anything.
    private static func dataRanges(_ bytes: [UInt8]) -> [Range<Int>] {
        func number(_ at: Int) -> Int {
            (0..<4).reduce(0) { $0 | Int(bytes[at + $1]) << ($1 * 8) }
        }
        let end = (0..<256).map { number($0 * 8) }.min() ?? 0
        var ranges: [Range<Int>] = []
        var position = 2048
        while position < end {
            let start = position + 8 + number(position)
            position = start + number(position + 4)
            ranges.append(start..<position)
        }
        return ranges
    }

    @Test func `thousands of damaged databases of each kind`() throws {
        try attack("vpopmail/domains/pop.test/vpasswd.cdb", pop, "pop.test", rounds: 2500)
        try attack("qmail/users/cdb", pop, "pop.test", rounds: 2500)
        try attack("home/base/passwd.cdb", virtual, "virt.test", rounds: 2500)
    }

    @Test func `thousands of damaged databases of ours`() throws {
        let list = (0..<20).map { "u\($0)@own.test\n" }.joined()
        let path = try tree.folder.write("mailboxes", list)
        _ = try MailboxCompiler.compile(path, to: "\(path).cdb")
        try FileManager.default.removeItem(atPath: path)
        try attack("mailboxes.cdb", "cdb:\(path).cdb", "own.test", rounds: 2500)
    }

    @Test func `any bytes in the place of a record are read without a trap`() throws {
        var generator = SystemRandomNumberGenerator()
        let settings = SourceSettings(Root("/r"), examinesQuota: true)
        var sources = try RecipientSources([virtual, pop], settings)
        let sound = QmailTree.virtualUser()
        let line = Array(tree.user("u", of: "pop.test").utf8.dropFirst(2))
        for round in 0..<2000 {
            var record = round % 2 == 0 ? sound : line
            for _ in 0...(round % 5) {
                let index = Int.random(in: record.indices, using: &generator)
                record[index] = UInt8.random(in: 0...255, using: &generator)
            }
            record.removeLast(Int.random(in: 0...(round % 7), using: &generator))
            let bytes = constantDatabase(of: [(key: Array("u".utf8), data: record)])
            try tree.folder.write("home/base/passwd.cdb", bytes)
            try tree.folder.write("vpopmail/domains/pop.test/vpasswd.cdb", bytes)
            for domain in ["virt.test", "pop.test"] {
                do {
                    let answer = try sources.find(Mailbox(Array("u@\(domain)".utf8)))
                    #expect(answer != .noSuchMailbox)
                } catch is SourceError {}
            }
        }
    }
}
