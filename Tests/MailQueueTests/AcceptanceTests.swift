import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@testable import MailQueue

@Suite struct AcceptanceTests {
    /// How a message comes in.
    enum Way: String, CaseIterable {
        case memory, copied, nameless, held, withoutNamelessFiles, namelessWithoutNamelessFiles
        case unordered, namelessUnordered

        /// True where file and name are made safe together.
        var isOrdered: Bool { self != .unordered && self != .namelessUnordered }

        var lacksNameless: Bool {
            self == .withoutNamelessFiles || self == .namelessWithoutNamelessFiles
        }
    }

    private let stage: QueueStage

    init() throws { stage = try QueueStage() }

    private func memoryFile(_ bytes: [UInt8]) throws -> OwnedDescriptor {
        let file = try Files.inMemory("message")
        try file.borrowed.writeAll(bytes, at: 0, "message")
        return file
    }

    private func accept(_ way: Way, _ spool: Spool) throws -> QueuedMessage {
        var submission = Samples.submission(
            try Samples.envelope(to: "bob@local.test"), way == .held ? [.hold] : [])
        switch way {
        case .memory, .held, .withoutNamelessFiles, .unordered:
            return try spool.accept(
                submission, bytes: Samples.text, submitter: "1 0", now: Samples.now)
        case .copied:
            submission.isCopied = true
            submission.messageOffset = 3
            let file = try memoryFile([1, 2, 3] + Samples.text + [4])
            return try spool.accept(
                submission, file.borrowed, submitter: "1 0", now: Samples.now)
        case .nameless, .namelessWithoutNamelessFiles, .namelessUnordered:
            let file = try spool.nameless()
            // More than the message: what a session wrote and took back.
            try file.writing.borrowed.writeAll(Samples.text + [9, 9], at: 0, "message")
            return try spool.accept(
                submission, file.writing.borrowed, submitter: "1 0", now: Samples.now)
        }
    }

    /// A spool on which the way is taken; some file systems have no nameless files.
    private func spool(_ way: Way, _ crash: Crash) throws -> Spool {
        let spool = try stage.spool { name throws(SystemError) in
            try crash.probe(name)
            if way.lacksNameless, "\(name)" == "open" {
                throw SystemError("open", "queue", .notSupported)
            }
        }
        spool.ordersNames = way.isOrdered
        return spool
    }

    @Test(arguments: Way.allCases)
    func `what is accepted is there, whole, under its id`(way: Way) throws {
        let message = try accept(way, spool(way, Crash(before: .max)))
        let place = way == .held ? MessagePlace.held : .new
        #expect(stage.files == [place.path(message.id)])
        let file = try stage.spool().open(place.path(message.id))
        #expect(try MessageFooter.read(file.borrowed, "message") == message)
        let bytes = try file.borrowed.bytes(
            at: message.messageOffset, count: message.messageLength, "message")
        #expect(bytes == Samples.text)
    }

    @Test(arguments: Way.allCases)
    func `file and folder are synced, in this order, before it is accepted`(way: Way) throws {
        let crash = Crash(before: .max)
        _ = try accept(way, spool(way, crash))
        let counted = ["sync_file_range", "fdatasync", "linkat", "fsync folder"]
        let order = crash.calls.filter { counted.contains($0) }
        let ordered = ["sync_file_range", "linkat", "fsync folder", "fdatasync"]
        let unordered = ["fdatasync", "linkat", "fsync folder"]
        switch way {
        case .memory, .copied, .nameless, .held: #expect(order == ordered)
        case .withoutNamelessFiles, .unordered, .namelessUnordered: #expect(order == unordered)
        // The nameless file lost its name before: its link fails, and it is copied.
        case .namelessWithoutNamelessFiles:
            #expect(order == ["sync_file_range", "linkat"] + unordered)
        }
    }

    @Test(arguments: [Way.memory, .nameless])
    func `a name whose file or folder cannot be synced is taken away again`(way: Way) throws {
        for failing in ["fsync folder", "fdatasync"] {
            let spool = try stage.spool { name throws(SystemError) in
                if "\(name)" == failing { throw SystemError(failing, "queue", .ioError) }
            }
            spool.ordersNames = true
            #expect(throws: QueueError.self) { _ = try accept(way, spool) }
            #expect(stage.files.isEmpty)
        }
    }

    @Test(arguments: Way.allCases)
    func `a crash before any call leaves nothing or the whole message`(way: Way) throws {
        let counting = Crash(before: .max)
        _ = try accept(way, spool(way, counting))
        for number in 0..<counting.calls.count {
            let stage = try QueueStage()
            let other = try AcceptanceTests(stage)
            let crash = Crash(before: number)
            #expect(throws: (any Error).self) {
                _ = try other.accept(way, other.spool(way, crash))
            }
            #expect(crash.happened)
            let spool = try stage.spool()
            try spool.sweepTemporaryFiles()
            let isNamed = crash.calls.contains("linkat") && !stage.files.isEmpty
            #expect(stage.files.count == (isNamed ? 1 : 0))
            try stage.run()
            let isHeld = way == .held
            #expect(stage.agents.delivered.count == (isNamed && !isHeld ? 1 : 0))
            #expect(stage.agents.delivered.allSatisfy { $0.message == Samples.text })
        }
    }

    private init(_ stage: QueueStage) throws { self.stage = stage }

    @Test(arguments: Way.allCases)
    func `an id that is taken is refused, and what has it stays`(way: Way) throws {
        let first = try accept(way, spool(way, Crash(before: .max)))
        let files = stage.files
        do {
            _ = try accept(way, spool(way, Crash(before: .max)))
            Issue.record("accepted twice")
        } catch let error as QueueError {
            #expect(error.outcome == .refused(.duplicate))
        }
        try stage.spool().sweepTemporaryFiles()
        #expect(stage.files == files)
        #expect(first.id == Samples.id())
    }

    @Test func `a message of several chunks is copied whole`() throws {
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        var submission = Samples.submission(
            try Samples.envelope(to: "bob@local.test"), length: bytes.count)
        submission.isCopied = true
        let file = try memoryFile(bytes)
        try stage.spool().accept(
            submission, file.borrowed, submitter: "1 0", now: Samples.now)
        try stage.run()
        #expect(stage.agents.delivered.first?.message == bytes)
    }

    @Test func `after a replacement the new message is queued`() throws {
        let text = Array("New: message\n\n".utf8)
        var submission = Samples.submission(
            try Samples.envelope(to: "bob@local.test"),
            [.replaceMessage(offset: 2, length: text.count)], length: 999)
        submission.isCopied = true
        let file = try memoryFile([0, 0] + text)
        try stage.spool().accept(
            submission, file.borrowed, submitter: "1 0", now: Samples.now)
        try stage.run()
        #expect(stage.agents.delivered.first?.message == text)
    }

    @Test(arguments: [(0, 100), (21, 1), (Int.max, 1), (1, Int.max)])
    func `a message that is not all there is refused`(offset: Int, length: Int) throws {
        var submission = Samples.submission(try Samples.envelope(to: "bob@local.test"))
        submission.isCopied = true
        submission.messageOffset = offset
        submission.messageLength = length
        let file = try memoryFile(Samples.text)
        #expect(throws: QueueError.badRequest("the file is shorter")) {
            try stage.spool().accept(
                submission, file.borrowed, submitter: "1 0", now: Samples.now)
        }
        #expect(stage.files.isEmpty)
    }

    @Test(arguments: [(1000, 4096, 50), (1_000_000, 4096, 4096), (0, 4096, 0), (10, 0, 0)])
    func `a twentieth of the disk is left to the manager, at most 16 MiB`(
        blocks: Int, size: Int, reserve: Int
    ) {
        #expect(Spool.reserve(blocks: blocks, of: size) == reserve)
    }

    @Test func `a message that the disk cannot hold is refused as on a full disk`() throws {
        let spool = try stage.spool()
        do throws(QueueError) {
            try spool.requireRoom(for: .max)
            Issue.record("there is no such disk")
        } catch {
            #expect(error.outcome == .refused(.diskFull))
        }
    }

    @Test func `only a nameless file of the queue is linked`() throws {
        let submission = Samples.submission(try Samples.envelope(to: "bob@local.test"))
        let spool = try stage.spool()
        let path = try stage.folder.write("named", Samples.text)
        let named = try Files.open(path, O_RDWR)
        let memory = try memoryFile(Samples.text)
        for number in [named.number, memory.number] {
            #expect(throws: QueueError.badRequest("not a file of the queue")) {
                try spool.accept(
                    submission, Descriptor(rawValue: number), submitter: "1 0", now: Samples.now)
            }
        }
        let folder = try Files.openFolder(stage.folder.path)
        #expect(throws: QueueError.badRequest("not a file")) {
            try spool.accept(
                submission, folder.borrowed, submitter: "1 0", now: Samples.now)
        }
        #expect(stage.files.isEmpty)
    }

    @Test func `a temporary file is swept only when nobody writes it`() throws {
        let spool = try stage.spool { name throws(SystemError) in
            if "\(name)" == "open" { throw SystemError("open", "queue", .notSupported) }
        }
        let file = try spool.newFile()
        #expect(try spool.sweepTemporaryFiles() == 0)
        #expect(stage.files.count == 1)
        try file.descriptor.borrowed.unlock("tmp")
        #expect(try spool.sweepTemporaryFiles() == 1)
        #expect(stage.files.isEmpty)
    }
}
