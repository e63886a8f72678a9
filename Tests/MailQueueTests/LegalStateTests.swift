import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@testable import MailQueue

/// Every row of queue(5), EVERY LEGAL COMBINATION, and what becomes of it.
@Suite struct LegalStateTests {
    /// A row: what is there, and who gets the message at the next start.
    struct Row: CustomTestStringConvertible, Sendable {
        var message: MessagePlace?
        var state: [StateRecord]?
        var isInTmp = false
        var delivered: [String]
        var left: [String] = []

        var testDescription: String {
            "message \(message.map { "\($0)" } ?? "none"), state \(state == nil ? "none" : "yes")"
                + (isInTmp ? ", tmp" : "")
        }
    }

    private static let id = Samples.id()
    private static let due = Bucket(due: Samples.seconds)
    private static let later = Bucket(due: Samples.seconds + 1000)
    private static let bobDone: [StateRecord] = [
        .result([0], Samples.result(250), time: 5, due: nil)
    ]
    private static let carolWaits: [StateRecord] =
        bobDone + [.result([1], Samples.result(451), time: 5, due: Samples.seconds + 1000)]
    private static let bob = "bob@local.test"
    private static let carol = "carol@local.test"

    static let rows: [Row] = [
        Row(delivered: []),
        Row(message: .new, delivered: [bob, carol]),
        Row(message: .new, state: [], delivered: [bob, carol]),
        Row(message: .new, state: bobDone, delivered: [carol]),
        Row(
            message: .new, state: carolWaits, delivered: [],
            left: ["deferred/\(later)/\(id)", Spool.stateName(id)]),
        Row(message: .deferred(due), state: bobDone, delivered: [carol]),
        Row(message: .deferred(due), delivered: [bob, carol]),
        Row(
            message: .deferred(later), state: carolWaits, delivered: [],
            left: ["deferred/\(later)/\(id)", Spool.stateName(id)]),
        Row(message: .deferred(later), delivered: [], left: ["deferred/\(later)/\(id)"]),
        Row(message: .held, delivered: [], left: ["held/\(id)"]),
        Row(
            message: .held, state: bobDone, delivered: [],
            left: ["held/\(id)", Spool.stateName(id)]),
        Row(state: bobDone, delivered: []),
        Row(isInTmp: true, delivered: []),
        Row(message: .new, isInTmp: true, delivered: [bob, carol]),
        Row(message: .held, isInTmp: true, delivered: [], left: ["held/\(id)"]),
    ]

    private let stage: QueueStage

    init() throws { stage = try QueueStage() }

    private func make(_ row: Row) throws {
        let spool = try stage.spool()
        try stage.accept([Self.bob, Self.carol])
        let path = "\(stage.queuePath)/\(MessagePlace.new.path(Self.id))"
        if row.isInTmp {
            let root = spool.root.borrowed
            try Files.link(
                MessagePlace.new.path(Self.id), in: root, as: "abc", in: try spool.folder("tmp"))
        }
        switch row.message {
        case .new: break
        case .none: try Files.unlink(path)
        case .deferred(let bucket): try spool.move(Self.id, from: .new, to: bucket)
        case .held: try Files.rename(path, to: "\(stage.queuePath)/held/\(Self.id)")
        }
        if let records = row.state {
            _ = try spool.append(records, to: Self.id, at: 0, isSynced: false)
        }
    }

    @Test(arguments: rows)
    func `a legal combination leads to what the page says`(row: Row) throws {
        try make(row)
        let spool = try stage.spool()
        try spool.sweepTemporaryFiles()
        let runner = try QueueRunner(
            spool, try RunnerSettings(stage.root), log: Log("test"), clock: { stage.now })
        try stage.run(runner)
        stage.now += 2 * StateSweep.interval
        runner.work()
        #expect(stage.agents.delivered.map(\.recipient).sorted() == row.delivered)
        #expect(stage.files == row.left.sorted())
    }
}

/// Files that are not what queue(5) says.
@Suite struct DamageTests {
    private let stage: QueueStage
    private let id: QueueID

    init() throws {
        stage = try QueueStage()
        id = try stage.accept(["bob@local.test", "later@remote.test"])
    }

    private var messagePath: String { "\(stage.queuePath)/\(MessagePlace.new.path(id))" }

    private func rewrite(_ path: String, _ change: (inout [UInt8]) -> Void) throws {
        var bytes = try Files.contents(of: path)
        change(&bytes)
        let file = try Files.open(path, O_WRONLY | O_TRUNC)
        try file.borrowed.writeAll(bytes, at: 0, path)
    }

    @Test(arguments: [0, 1, 19, 20, 43, 44, 100])
    func `a message that was cut is set aside, not delivered`(kept: Int) throws {
        try rewrite(messagePath) { $0 = Array($0.prefix(kept)) }
        try stage.run()
        #expect(stage.agents.delivered.isEmpty)
        #expect(stage.files == ["damaged/\(id)"])
    }

    @Test func `a message with the name of another is set aside`() throws {
        let other = Samples.id(2)
        try Files.rename(messagePath, to: "\(stage.queuePath)/\(MessagePlace.new.path(other))")
        try stage.run()
        #expect(stage.agents.delivered.isEmpty)
        #expect(stage.files == ["damaged/\(other)"])
    }

    @Test func `a message that is set aside takes its state along`() throws {
        try stage.run()
        let state = "\(stage.queuePath)/\(Spool.stateName(id))"
        try rewrite(state) { $0[20] ^= 1 }
        stage.now += 500_000_000
        let before = stage.agents.delivered.count
        try stage.run()
        #expect(stage.agents.delivered.count == before)
        #expect(stage.files == ["damaged/\(id)", "damaged/\(id).state"])
    }

    @Test func `a damaged message holds up no other`() throws {
        try rewrite(messagePath) { $0 = [] }
        try stage.accept(["carol@local.test"], number: 2)
        try stage.run()
        #expect(stage.agents.delivered.map(\.recipient) == ["carol@local.test"])
    }

    @Test func `a state that was cut repeats at most what was cut off`() throws {
        try stage.run()
        try rewrite("\(stage.queuePath)/\(Spool.stateName(id))") { $0.removeLast(5) }
        stage.agents.acceptLater()
        stage.now += 500_000_000
        try stage.run()
        #expect(stage.agents.delivered(to: "later@remote.test").count == 1)
        #expect((1...2).contains(stage.agents.delivered(to: "bob@local.test").count))
        #expect(stage.files.isEmpty)
    }

    @Test func `random damage never stops the manager and never delivers another text`() throws {
        var generator = SystemRandomNumberGenerator()
        for number in 10..<60 {
            let id = try stage.accept(["bob@local.test"], number: UInt32(number))
            try rewrite("\(stage.queuePath)/\(MessagePlace.new.path(id))") { bytes in
                let place = Int.random(in: Samples.text.count..<bytes.count, using: &generator)
                switch number % 3 {
                case 0: bytes = Array(bytes[..<place])
                case 1: bytes[place] ^= UInt8.random(in: 1...255, using: &generator)
                default: bytes.insert(contentsOf: [1, 2, 3], at: place)
                }
            }
        }
        try stage.run()
        let others = stage.agents.delivered.filter { $0.id != id }
        #expect(others.isEmpty)
        #expect(stage.files.filter { $0.hasPrefix("damaged/") }.count == 50)
    }

    @Test func `names that are no ids are left alone`() throws {
        try Files.rename(messagePath, to: "\(stage.queuePath)/new/\(id.folder)/core")
        try stage.run()
        #expect(stage.files == ["new/\(id.folder)/core"])
    }
}
