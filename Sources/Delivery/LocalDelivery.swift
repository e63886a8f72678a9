// LocalDelivery: one message into one mailbox.
// deliver-local(8).
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

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
