// DeliveryAgent: what deliver-local and deliver-remote have in common.
// delivery-protocol(7).
// SPDX-License-Identifier: MIT

public import MailModel
import SystemPackage
public import UnixIO

/// Delivers one message to recipients of its channel.
public protocol DeliveryAgent {
    /// The program's name, in logs and process lists.
    static var name: String { get }
    /// The requests that it takes.
    static var channel: DeliveryChannel { get }

    /// Delivers the message of a file, which is read with pread(2), and says what became of each
    /// recipient. It never fails as a whole: what goes wrong is a deferred recipient.
    mutating func deliver(_ request: DeliveryRequest, _ file: Descriptor) -> DeliveryReply

    /// No other request follows: what was kept for one is given up.
    mutating func letGo()
}

extension DeliveryAgent {
    /// Nothing is kept.
    public mutating func letGo() {}

    /// Writes the line of one recipient.
    static func log(
        _ result: DeliveryResult, _ recipient: Mailbox, _ request: DeliveryRequest,
        _ more: [(key: String, value: String?)] = []
    ) {
        var pairs: [(key: String, value: String?)] = [
            ("message", request.id.description), ("recipient", recipient.description),
            ("reply", result.reply.description), ("host", result.host),
        ]
        pairs += more
        Log(name).event(result.outcome.rawValue, pairs: pairs)
    }
}

/// Replies for what fails on this host.
enum LocalTrouble {
    /// Why a mailbox cannot be written now. Nothing of it is permanent. No path is told: the text
    /// may reach the sender.
    static func reply(writing error: SystemError) -> Reply {
        switch error.errno {
        case .noSpace: Reply(452, EnhancedStatus(4, 3, 1), "no space left for mailboxes")
        case .diskQuotaExceeded: Reply(452, EnhancedStatus(4, 2, 2), "the mailbox is full")
        case .fileTooLarge:
            Reply(452, EnhancedStatus(4, 3, 1), "the message exceeds what may be written")
        case .permissionDenied, .notPermitted, .notDirectory, .tooManySymbolicLinkLevels,
            .noSuchFileOrDirectory:
            Reply(451, EnhancedStatus(4, 2, 0), "the mailbox cannot be written")
        case .timedOut where error.call == "lock":
            Reply(451, EnhancedStatus(4, 2, 0), "the mailbox is locked")
        default: Reply(451, EnhancedStatus(4, 3, 0), "the mailbox cannot be written now")
        }
    }

    /// The header says that the message was here before.
    static let looping = Reply(
        554, EnhancedStatus(5, 4, 6),
        "the message is looping: it already has my Delivered-To line")

    /// The message does not even fit into the empty mailbox.
    static let tooLarge = Reply(
        552, EnhancedStatus(5, 2, 3), "the message is larger than the mailbox may be")

    /// The quota is reached.
    static func full(_ rule: StoreSettings.OverQuota) -> Reply {
        switch rule {
        case .bounce: Reply(552, EnhancedStatus(5, 2, 2), "the mailbox is full")
        case .defer: Reply(452, EnhancedStatus(4, 2, 2), "the mailbox is full")
        }
    }

    /// The stored message cannot be read.
    static let unreadable = Reply(
        451, EnhancedStatus(4, 3, 0), "the stored message cannot be read")

    /// The configuration cannot be used.
    static let badConfiguration = Reply(
        451, EnhancedStatus(4, 3, 5), "the configuration of this host cannot be used")
}
