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
    let base: String
    let home: String
    /// What the log says besides the reply.
    var evidence: [(key: String, value: String?)] = []

    /// Delivers, and says how it went.
    mutating func deliver(_ instruction: Instruction, _ names: inout MaildirName) -> Reply {
        switch instruction {
        case .maildir(let path, _):
            var delivery = LocalDelivery(request: request, recipient: mailbox, file: file)
            defer { evidence += delivery.evidence }
            return delivery.run(Maildir(absolute(path), base: base), name: names.next())
        case .mbox, .lmtp, .program, .forward, .drop: return LocalTrouble.badConfiguration
        }
    }

    private func absolute(_ path: String) -> String {
        path.hasPrefix("/") || home.isEmpty ? path : "\(home)/\(path)"
    }
}
