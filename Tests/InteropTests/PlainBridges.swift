// PlainBridges: the chain by hand, and through the socket protocol of its steps.
// filter-chain(8), filter-protocol(7).
// SPDX-License-Identifier: MIT

import Control
import FilterChain
import MailModel
import TestSupport
import Testing
import UnixIO

/// `filter-chain --sender ... --recipient ... < message`.
struct ShellBridge: Bridge {
    let name = "shell"
    let chain: SetChain

    func pass(_ letter: Letter) throws -> Passage {
        var arguments = ["--root", chain.root, "--client-ip", "127.0.0.1", "--helo", letter.helo]
        arguments += ["--sender", letter.sender]
        arguments += letter.recipients.flatMap { ["--recipient", $0] }
        var tool = try Tool("filter-chain", arguments)
        tool.message = letter.message
        tool.input = .pipe
        let result = try tool.run()
        switch result.code {
        // What becomes of the envelope is not seen here.
        case 0: return .passed(Delivered(message: result.output))
        case 31: return .rejected(result.errors)
        case 71, 54: return .deferred(result.errors)
        case 99: return .discarded
        default: throw TestFailure("exit \(result.code): \(result.errors)")
        }
    }

    /// An empty message in a shell is one that the filter before refused.
    func expected(_ letter: Letter) -> Passage {
        letter.traits.contains(.empty) ? .deferred("") : standard(letter)
    }
}

/// The steps asked through their sockets, as smtp-server asks them: stage after stage, and each
/// recipient for itself.
struct ResidentBridge: Bridge {
    let name = "resident"
    let chain: SetChain
    let answersRecipients = true

    func pass(_ letter: Letter) throws -> Passage {
        let steps = try Chain(Root(chain.root))
        var facts = Facts()
        facts[.clientIP] = Array("127.0.0.1".utf8)
        facts[.helo] = Array(letter.helo.utf8)
        var envelope = Envelope(reversePath: try ReversePath(Array(letter.sender.utf8)))
        var edits: [Edit] = []
        func judge(_ stage: Stage, _ message: Descriptor?, _ length: Int) -> ChainVerdict {
            let request = FilterRequest(
                stage: stage, facts: facts, envelope: envelope, edits: edits,
                messageLength: length)
            return steps.judge(request, message, log: Log("set"))
        }
        let mail = judge(.mail, nil, 0).verdict
        guard case .accept(let new) = mail else { return Passage(mail) }
        edits = new
        var (accepted, refused): ([Mailbox], [String]) = ([], [])
        var last = Verdict.accept([])
        for recipient in letter.recipients {
            let mailbox = try Mailbox(Array(recipient.utf8))
            envelope = Envelope(reversePath: envelope.reversePath, recipients: [mailbox])
            last = judge(.rcpt, nil, 0).verdict
            switch last {
            case .accept: accepted.append(mailbox)
            case .discard: break
            case .reject, .defer: refused.append(recipient)
            }
        }
        guard !accepted.isEmpty else { return Passage(last) }
        envelope = Envelope(reversePath: envelope.reversePath, recipients: accepted)
        let file = try Files.inMemory("message")
        try file.borrowed.writeAll(letter.message, "message")
        let reading = try file.reopenedForReading()
        var result = judge(.message, reading.borrowed, letter.message.count)
        guard case .accept(let last) = result.verdict else { return Passage(result.verdict) }
        edits += last
        let copy: OwnedDescriptor
        if let replacement = result.replacement.take(), let range = edits.replacement {
            copy = try ViewFile.make(
                replacement.borrowed, offset: range.offset, length: range.length, edits.overlay)
        } else {
            copy = try ViewFile.make(
                reading.borrowed, offset: 0, length: letter.message.count, edits.overlay)
        }
        let size = Int(try copy.borrowed.status("message").st_size)
        let end = edits.applied(to: envelope)
        return .passed(
            Delivered(
                message: try copy.borrowed.bytes(at: 0, count: size, "message"),
                sender: String(decoding: end.reversePath.bytes, as: UTF8.self),
                recipients: end.recipients.map { String(decoding: $0.bytes, as: UTF8.self) },
                refused: refused))
    }

    /// It is smtp-server and filter-chain that take out what only we may write.
    func expected(_ letter: Letter) -> Passage {
        guard letter.traits.contains(.forged), case .passed(var delivered) = standard(letter)
        else { return standard(letter) }
        delivered.message = letter.message
        return .passed(delivered)
    }
}

extension Passage {
    /// A verdict that is not accept.
    init(_ verdict: Verdict) {
        switch verdict {
        case .reject(let reply): self = .rejected(reply.text)
        case .defer(let reply): self = .deferred(reply.text)
        case .accept, .discard: self = .discarded
        }
    }
}

@Suite struct PlainBridgeTests {
    @Test func `the set has 200 messages, and several of each kind`() {
        #expect(MessageSet.all.count == 200)
        for trait in Trait.allCases where trait != .empty {
            #expect(MessageSet.with(trait).count > 0, "\(trait)")
        }
        #expect(Set(MessageSet.all.map(\.name)).count > 195)
    }

    @Test func `by hand the set has its verdicts and its bytes`() throws {
        expectNothing(ShellBridge(chain: try SetChain.shared.get()).check())
    }

    @Test func `through the steps' sockets the set has its verdicts and its bytes`() throws {
        expectNothing(ResidentBridge(chain: try SetChain.shared.get()).check())
    }
}
