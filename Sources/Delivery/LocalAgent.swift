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
