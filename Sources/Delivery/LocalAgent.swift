// LocalAgent: delivery to Maildirs.
// deliver-local(8).
// SPDX-License-Identifier: MIT

public import Control
public import MailModel
import Recipients
import SystemPackage
public import UnixIO

/// Delivers to the Maildirs of `control/mailboxes`.
public struct LocalAgent: DeliveryAgent {
    /// `deliver-local`.
    public static let name = "deliver-local"
    /// Mailboxes of ours.
    public static let channel = DeliveryChannel.local

    private let mail: String
    private let becomesOwner: Bool
    private var sources: RecipientSources
    private var names: MaildirName

    /// An agent for the mailboxes of a root. One that `becomesOwner` must be root's, and delivers
    /// in processes that are not.
    /// - Throws: `ControlError` when the mailboxes cannot be known.
    public init(
        _ root: Root, names: MaildirName = MaildirName(), becomesOwner: Bool = false
    ) throws(ControlError) {
        mail = root.mail
        sources = try RecipientSources(root)
        self.names = names
        self.becomesOwner = becomesOwner
    }

    /// Delivers to each recipient on its own.
    public mutating func deliver(_ request: DeliveryRequest, _ file: Descriptor) -> DeliveryReply {
        guard !becomesOwner else { return deliverAsOwners(request, file) }
        return DeliveryReply(
            request.envelope.recipients.map { recipient in
                var delivery = LocalDelivery(request: request, recipient: recipient, file: file)
                let reply: Reply
                do throws(Refusal) {
                    let maildir = Maildir(try find(recipient), base: mail)
                    reply = delivery.run(maildir, name: names.next())
                } catch {
                    reply = error.reply
                    delivery.evidence.append(("error", error.reason))
                }
                let result = DeliveryResult(reply)
                LocalAgent.log(result, recipient, request, delivery.evidence)
                return result
            })
    }

    /// Delivers to the mailboxes of each owner in a process of his.
    private mutating func deliverAsOwners(
        _ request: DeliveryRequest, _ file: Descriptor
    ) -> DeliveryReply {
        var results: [Int: DeliveryResult] = [:]
        var mailboxes: [Identity: [(number: Int, maildir: String)]] = [:]
        for (number, recipient) in request.envelope.recipients.enumerated() {
            do throws(Refusal) {
                let maildir = try find(recipient)
                mailboxes[try LocalAgent.owner(of: maildir), default: []].append((number, maildir))
            } catch {
                let result = DeliveryResult(error.reply)
                LocalAgent.log(result, recipient, request, [("error", error.reason)])
                results[number] = result
            }
        }
        for (owner, mailboxes) in mailboxes {
            var part = request
            part.envelope = request.envelope.withRecipients(mailboxes.map(\.number))
            let found = OwnedDelivery.run(
                part, file, to: mailboxes.map(\.maildir), base: mail, as: owner)
            for (mailbox, result) in zip(mailboxes, found) { results[mailbox.number] = result }
        }
        return DeliveryReply(
            request.envelope.recipients.indices.map {
                results[$0] ?? DeliveryResult(LocalTrouble.badConfiguration)
            })
    }

    /// Why there is no Maildir to deliver to.
    private struct Refusal: Error {
        let reply: Reply
        var reason: String?
    }

    private static func owner(of maildir: String) throws(Refusal) -> Identity {
        do {
            if let owner = try MailboxOwner.find(of: maildir) { return owner }
        } catch {
            throw Refusal(reply: LocalTrouble.badConfiguration, reason: "\(error)")
        }
        throw Refusal(
            reply: LocalTrouble.badConfiguration, reason: "\(maildir): no owner but root")
    }

    /// The path of a recipient's Maildir.
    private mutating func find(_ recipient: Mailbox) throws(Refusal) -> String {
        do throws(SourceError) {
            switch try sources.find(recipient) {
            case .exists(.maildir(let maildir)): return maildir
            case .exists, .overQuota, .refused:
                // control/mailboxes, the only source here, says none of these.
                throw .unreachable(source: "mailboxes", reason: "no Maildir")
            case .noSuchMailbox, .unknownDomain: break
            }
        } catch {
            throw Refusal(reply: LocalTrouble.badConfiguration, reason: "\(error)")
        }
        throw Refusal(
            reply: Reply(550, EnhancedStatus(5, 1, 1), "no mailbox here by that name"))
    }
}

/// One message for one mailbox.
struct LocalDelivery {
    let request: DeliveryRequest
    let recipient: Mailbox
    let file: Descriptor
    /// What the log says besides the reply.
    var evidence: [(key: String, value: String?)] = []

    private enum Failure: Error {
        case looping
        case reading(SystemError)
        case writing(SystemError)
    }

    /// Delivers and says how it went.
    mutating func run(_ maildir: Maildir, name: String) -> Reply {
        do throws(Failure) {
            evidence.append(("file", try write(maildir, name)))
            return Reply(250, EnhancedStatus(2, 1, 5), "delivered")
        } catch {
            switch error {
            case .looping:
                return Reply(
                    554, EnhancedStatus(5, 4, 6),
                    "the message is looping: it already has my Delivered-To line")
            case .reading(let error):
                evidence.append(("error", "\(error)"))
                return LocalTrouble.unreadable
            case .writing(let error):
                evidence.append(("error", "\(error)"))
                return LocalTrouble.reply(writing: error)
            }
        }
    }

    /// The name of the file in `new`.
    private func write(_ maildir: Maildir, _ name: String) throws(Failure) -> String {
        let mark = Array("Delivered-To: ".utf8) + recipient.bytes
        let top = Array("Return-Path: <".utf8) + request.envelope.reversePath.bytes + [0x3E, 0x0A]
        // Only the host of the final delivery writes Return-Path: RFC 5321, section 4.4.
        var message = MessageReader(
            request, file, top: top + mark + [0x0A], searching: mark, removing: ["return-path"])
        var piece = try LocalDelivery.next(of: &message)
        guard !message.hasFoundLine else { throw .looping }
        var output = try LocalDelivery.open(maildir, name)
        while let bytes = piece {
            do { try output.write(bytes) } catch { throw .writing(error) }
            piece = try LocalDelivery.next(of: &message)
            guard !message.hasFoundLine else { throw .looping }
        }
        do { return try output.commit() } catch { throw .writing(error) }
    }

    private static func open(
        _ maildir: Maildir, _ name: String
    ) throws(Failure) -> MaildirFile {
        do { return try MaildirFile(maildir, name: name) } catch { throw .writing(error) }
    }

    private static func next(of message: inout MessageReader) throws(Failure) -> [UInt8]? {
        do {
            return try message.next()
        } catch {
            throw .reading(error)
        }
    }
}
