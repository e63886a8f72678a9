import Foundation
import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@testable import MailQueue

/// The calls of a real server, and the power that fails after each of them.
@Suite(.serialized) struct PowerFailureTests {
    /// A moment, and what a disk may hold then.
    private struct Outage: Hashable {
        var image: DiskImage
        var accepted: Set<String>
    }

    /// Where names come to the disk in any order, and where the tests' folder is, which in most
    /// places keeps order.
    @Test(arguments: ["/dev/shm", nil] as [String?])
    func `no accepted message is lost and none is cut, whatever reached the disk`(
        parent: String?
    ) throws {
        let history = try ServerHistory(in: parent)
        if parent != nil { #expect(!history.keepsOrder) }
        let (outages, last) = try outages(history)
        // Each change of the queue and of the mailboxes is in it: this is no empty list.
        #expect(outages.count > 60)
        #expect(last.count == 2)
        let recoveries = try recoveries(of: Set(outages.keys.map(\.image.queue)))
        for (outage, moment) in outages {
            let recovery = try #require(recoveries[outage.image.queue])
            expectNothingLost(outage, recovery, moment)
        }
    }

    /// Goes on with each queue. Most of it is waiting, so some are done at a time.
    private func recoveries(of queues: Set<DiskImage>) throws -> [DiskImage: Recovery] {
        let lock = Lock()
        let left = Box(Array(queues))
        let done = Box<[DiskImage: Result<Recovery, any Error>]>([:])
        for _ in 0..<12 {
            detachedThread {
                while let queue = lock.locked({ left.value.popLast() }) {
                    let recovery = Result { try PowerFailureTests.recover(queue) }
                    lock.locked { done.value[queue] = recovery }
                }
            }
        }
        #expect(
            eventually(within: .seconds(600)) { lock.locked { done.value.count } == queues.count })
        return try lock.locked { try done.value.mapValues { try $0.get() } }
    }

    private func outages(
        _ history: ServerHistory
    ) throws -> (outages: [Outage: String], accepted: Set<String>) {
        var disk = DiskModel(below: history.root, keepsOrder: history.keepsOrder)
        var random = SeededRandom(1)
        var outages: [Outage: String] = [:]
        var accepted: Set<String> = []
        for (number, call) in history.calls.enumerated() {
            if let id = call.acceptedID { accepted.insert(id) }
            guard disk.follow(call) || call.acceptedID != nil else { continue }
            let moment =
                "after call \(number), \(call.name) \(call.arguments.map(\.text).prefix(2))"
            for image in disk.images(&random) {
                let outage = Outage(image: image, accepted: accepted)
                if outages[outage] == nil { outages[outage] = String(moment.prefix(200)) }
            }
        }
        return (outages, accepted)
    }

    /// What a manager does with the queue of an image, and what it leaves.
    private static func recover(_ image: DiskImage) throws -> Recovery {
        let stage = try QueueStage()
        try stage.folder.write("etc/control/locals", "example.test\n")
        stage.agents.acceptLater()
        for folder in image.folders.sorted() {
            try FileManager.default.createDirectory(
                atPath: stage.folder.file(folder), withIntermediateDirectories: true)
        }
        for (path, bytes) in image.files { try stage.folder.write(path, bytes) }
        try stage.spool().sweepTemporaryFiles()
        // Later, so that everything is due and nothing that was made then is too new.
        stage.now = WallClock.microseconds + 1_000_000_000
        let runner = try QueueRunner(
            try stage.spool(), try RunnerSettings(stage.root), log: Log("test"),
            clock: { stage.now })
        try stage.run(runner)
        // What was only reported on at first waits for its next bucket.
        stage.now += 100_000_000
        try stage.run(runner)
        stage.now += 2 * StateSweep.interval
        runner.work()
        return Recovery(delivered: stage.agents.delivered, left: stage.files)
    }

    private func expectNothingLost(_ outage: Outage, _ recovery: Recovery, _ moment: String) {
        #expect(recovery.left.isEmpty, "\(recovery.left), \(moment)")
        let mail = Mail(outage.image, recovery.delivered)
        #expect(mail.cut.isEmpty, "\(mail.cut), \(moment)")
        for id in outage.accepted {
            // The first message of the session is the small one.
            let isSmall = id.hasSuffix("-1")
            for recipient in isSmall ? ["bob", "later"] : ["carol"] {
                let count = mail.count(recipient, id)
                #expect((1...2).contains(count), "\(recipient): \(count) times, \(moment)")
            }
            if isSmall { #expect(mail.reports.count == 1, "\(mail.reports), \(moment)") }
        }
    }
}

/// What became of a queue.
private struct Recovery {
    var delivered: [TestAgents.Delivered]
    var left: [String]
}

extension DiskImage {
    /// The part of it that the queue is.
    fileprivate var queue: DiskImage {
        DiskImage(
            files: files.filter { $0.key.hasPrefix("spool/") },
            folders: folders.filter { $0.hasPrefix("spool/") })
    }
}

/// What is in mailboxes, delivered before the power failed or after it.
private struct Mail {
    private var delivered: [(mailbox: String, text: [UInt8])] = []
    /// Files in `new` that are not whole.
    private(set) var cut: [String] = []

    init(_ image: DiskImage, _ later: [TestAgents.Delivered]) {
        for (path, bytes) in image.files where path.hasPrefix("mail/") {
            let parts = path.split(separator: "/").map(String.init)
            guard parts.count == 6, parts[4] == "new" else { continue }
            if bytes.count != Mail.size(in: parts[5]) { cut.append(path) }
            delivered.append((parts[2], bytes))
        }
        for delivery in later {
            let name = delivery.recipient.prefix { $0 != "@" }
            delivered.append((String(name), delivery.message))
        }
    }

    private static func size(in name: String) -> Int? {
        name.components(separatedBy: ",S=").last.flatMap(Int.init)
    }

    /// How often a mailbox has a message; its id is in its Received field.
    func count(_ mailbox: String, _ id: String) -> Int {
        delivered.filter { $0.mailbox == mailbox && Mail.says(id, $0.text) }.count
    }

    /// The ids of the reports that came back.
    var reports: Set<String> {
        Set(
            delivered.filter { $0.mailbox == "alice" }.compactMap { report in
                String(decoding: report.text.prefix(2000), as: UTF8.self)
                    .components(separatedBy: "Message-ID: <").dropFirst().first
                    .map { String($0.prefix { $0 != "@" }) }
            })
    }

    private static func says(_ id: String, _ text: [UInt8]) -> Bool {
        String(decoding: text.prefix(2000), as: UTF8.self).contains(" id \(id)")
    }
}
