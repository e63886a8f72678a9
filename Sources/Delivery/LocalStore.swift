// LocalStore: one message into the store that an instruction names.
// deliver-local(8).
// SPDX-License-Identifier: MIT

import MailModel
import Recipients
import UnixIO

/// The one place that knows which store delivers what.
struct LocalStore {
    let request: DeliveryRequest
    /// The recipient as the envelope has it.
    let recipient: Mailbox
    /// What Delivered-To says.
    let mailbox: Mailbox
    let file: Descriptor
    let terms: LocalTerms
    let home: String
    /// What Delivered-To says in its place; nil for none.
    var address: [UInt8]?
    /// True for the output of a filter, which may have put our own Delivered-To on top: it was
    /// looked for in the message as it came.
    var isFiltered = false
    /// What the log says besides the reply.
    var evidence: [(key: String, value: String?)] = []
    /// The server that gave the reply, where one did.
    var host: String?

    /// Delivers, and says how it went.
    mutating func deliver(_ instruction: Instruction, _ names: inout MaildirName) -> Reply {
        var delivery = LocalDelivery(
            request: request, recipient: recipient, file: file,
            address: address ?? mailbox.bytes, settings: terms.settings)
        delivery.isLoopChecked = isFiltered || address != nil
        defer { evidence += delivery.evidence }
        switch instruction {
        case .maildir(let path, let text):
            var quota: MailboxQuota?
            if let text {
                quota = MailboxQuota(exactly: text.utf8)
                guard quota != nil else { return LocalTrouble.badConfiguration }
            }
            return delivery.run(
                Maildir(absolute(path), base: terms.base), name: names.next(), quota: quota)
        case .mbox(let path): return delivery.run(mbox: absolute(path))
        case .lmtp(let place): return hand(to: place)
        case .program, .forward, .drop: return LocalTrouble.badConfiguration
        }
    }

    /// To a server of LMTP, for this recipient alone.
    private mutating func hand(to place: String) -> Reply {
        guard let endpoint = LMTPEndpoint(place) else { return LocalTrouble.badConfiguration }
        var part = request
        part.envelope = Envelope(reversePath: request.envelope.reversePath)
        part.envelope.options = request.envelope.options
        part.envelope.append(recipient)
        var delivery = LMTPDelivery(part, to: endpoint, terms.settings)
        guard let result = delivery.run(file).first else { return LocalTrouble.badConfiguration }
        host = result.host
        return result.reply
    }

    private func absolute(_ path: String) -> String {
        path.hasPrefix("/") || home.isEmpty ? path : "\(home)/\(path)"
    }
}
