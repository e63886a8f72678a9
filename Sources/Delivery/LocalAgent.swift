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
    private var sources: RecipientSources
    private var names: MaildirName

    /// An agent for the mailboxes of a root.
    /// - Throws: `ControlError` when the mailboxes cannot be known.
    public init(_ root: Root, names: MaildirName = MaildirName()) throws(ControlError) {
        mail = root.mail
        sources = try RecipientSources(root)
        self.names = names
    }

    /// Delivers to each recipient on its own.
    public mutating func deliver(_ request: DeliveryRequest, _ file: Descriptor) -> DeliveryReply {
        DeliveryReply(
            request.envelope.recipients.map { recipient in
                var delivery = LocalDelivery(request: request, recipient: recipient, file: file)
                let result = DeliveryResult(find(recipient, &delivery))
                LocalAgent.log(result, recipient, request, delivery.evidence)
                return result
            })
    }

    private mutating func find(_ recipient: Mailbox, _ delivery: inout LocalDelivery) -> Reply {
        do throws(SourceError) {
            switch try sources.find(recipient) {
            case .exists(.maildir(let maildir)):
                return delivery.run(Maildir(maildir, base: mail), name: names.next())
            case .exists, .overQuota, .refused:
                // control/mailboxes, the only source here, says none of these.
                return LocalTrouble.badConfiguration
            case .noSuchMailbox, .unknownDomain:
                return Reply(550, EnhancedStatus(5, 1, 1), "no mailbox here by that name")
            }
        } catch {
            delivery.evidence.append(("error", "\(error)"))
            return LocalTrouble.badConfiguration
        }
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
