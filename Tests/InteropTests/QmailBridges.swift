// QmailBridges: the chain and its filters as a qmail calls them.
// qmail-queue(8), qmail-qfilter(1), filters(7).
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing
import UnixIO

/// `QMAILQUEUE`, and a qmail-queue behind it.
struct QueueBridge: Bridge {
    let name: String
    let chain: SetChain
    private let client: QmailClient
    private let program: String
    private let queue: QmailQueue
    /// True where each filter judges by itself.
    private let isOfFilters: Bool

    /// `QMAILQUEUE=filter-chain` of one of the qmails.
    init(_ client: QmailClient, _ chain: SetChain) throws {
        name = "queue (\(client))"
        self.chain = chain
        self.client = client
        program = try Tool.path("filter-chain")
        queue = try QmailQueue()
        isOfFilters = false
    }

    /// The filters one after the other, each the next program of the one before, as indimail takes
    /// them from QMAILQUEUE; then filter-chain for the step that is no filter of ours.
    init(filtersOf chain: SetChain) throws {
        name = "filters in a row"
        self.chain = chain
        client = .indimail
        let footer = chain.folder.file("only-footer")
        try Files.makeFolders(footer)
        let step = chain.folder.file("root/etc/filters.d/50-footer")
        let copy = try Tool("/bin/cp", ["-p", step, footer]).run()
        guard copy.code == 0 else { throw TestFailure("cp: \(copy.errors)") }
        var words = try chain.commands.flatMap { command in
            [try Tool.path(command[0])] + command.dropFirst() + ["--"]
        }
        words += [try Tool.path("filter-chain"), "--filters", footer]
        program = words.joined(separator: " ")
        queue = try QmailQueue()
        isOfFilters = true
    }

    func pass(_ letter: Letter) throws -> Passage {
        let session = try QmailSession(
            client, .smtpd, queue: program, folder: queue.folder.path,
            environment: [
                "CHAINMAIL_ROOT": chain.root, "CHAINMAIL_NEXT": queue.program,
                "TCPREMOTEIP": "127.0.0.1", "SMTPHELOHOST": letter.helo,
            ])
        let said = try session.send(letter.message, from: letter.sender, to: letter.recipients)
        let queued = try queue.take()
        guard said.isEmpty || queued.isEmpty else { throw TestFailure("\(said), but queued") }
        guard said.isEmpty else {
            return said.hasPrefix("D")
                ? .rejected(client.text(of: said)) : .deferred(client.text(of: said))
        }
        guard let one = queued.first else { return .discarded }
        guard queued.count == 1, one.pid == session.pid else {
            throw TestFailure("queued \(queued.count) times, by \(one.pid)")
        }
        return .passed(
            Delivered(message: one.message, sender: one.sender, recipients: one.recipients))
    }

    /// A filter that discards one recipient in qmail-queue's place discards the message: nobody
    /// asks it about each alone.
    func expected(_ letter: Letter) -> Passage {
        isOfFilters && letter.traits.contains(.droppedRecipient) ? .discarded : standard(letter)
    }
}

extension QmailClient {
    /// The text of a verdict; empty where the client has only words of its own for it.
    fileprivate func text(of verdict: String) -> String {
        reasonDescriptor == nil || verdict.contains("qq ") ? "" : String(verdict.dropFirst())
    }
}

/// The filters, and a script, one after the other under qmail-qfilter.
struct QfilterBridge: Bridge {
    let name = "qfilter"
    let chain: SetChain

    func pass(_ letter: Letter) throws -> Passage {
        var filters = try chain.commands.map { try Tool($0[0], Array($0.dropFirst())) }
        filters.append(try Tool(chain.folder.file("root/etc/filters.d/50-footer")))
        for index in filters.indices {
            filters[index].environment = [
                "TCPREMOTEIP": "127.0.0.1", "SMTPHELOHOST": letter.helo,
                "CHAINMAIL_ROOT": chain.root,
            ]
        }
        let outcome = try QfilterLauncher(
            filters, message: letter.message, envelope: letter.envelope
        ).run()
        switch (outcome.code, outcome.isQueued) {
        case (0, true):
            let envelope = try Envelope(queueFormat: outcome.envelope)
            return .passed(
                Delivered(
                    message: outcome.message,
                    sender: String(decoding: envelope.reversePath.bytes, as: UTF8.self),
                    recipients: envelope.recipients.map {
                        String(decoding: $0.bytes, as: UTF8.self)
                    }))
        case (0, false): return .discarded
        case (31, _): return .rejected("")
        case (71, _): return .deferred("")
        default: throw TestFailure("exit \(outcome.code): \(outcome.errors)")
        }
    }

    /// As with filters in a row; and it is filter-chain, not a filter, that takes out what only we
    /// may write.
    func expected(_ letter: Letter) -> Passage {
        if letter.traits.contains(.droppedRecipient) { return .discarded }
        guard letter.traits.contains(.forged), case .passed(var delivered) = standard(letter)
        else { return standard(letter) }
        delivered.message = letter.message
        return .passed(delivered)
    }
}

@Suite struct QmailBridgeTests {
    @Test func `as QMAILQUEUE the set has its verdicts and its bytes`() throws {
        expectNothing(try QueueBridge(.notqmail, try SetChain.shared.get()).check())
    }

    @Test(arguments: [QmailClient.netqmail, .sagredo, .sqmail, .indimail])
    func `the others hear the same of what is peculiar`(client: QmailClient) throws {
        let letters = MessageSet.all.filter { letter in
            if case .passed = letter.expected { letter.number % 10 == 0 } else { true }
        }
        expectNothing(try QueueBridge(client, try SetChain.shared.get()).check(letters))
    }

    @Test func `by filters in a row the set has its verdicts and its bytes`() throws {
        expectNothing(try QueueBridge(filtersOf: try SetChain.shared.get()).check())
    }

    @Test func `by qmail-qfilter the set has its verdicts and its bytes`() throws {
        expectNothing(QfilterBridge(chain: try SetChain.shared.get()).check())
    }
}
