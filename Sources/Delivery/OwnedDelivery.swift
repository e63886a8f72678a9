// OwnedDelivery: a delivery by a process that is the mailbox's owner.
// deliver-local(8), section OWNERS.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// What root starts for the mailboxes of one owner, and what that process does. Root reads nothing
/// of the message: it looks up mailboxes, passes descriptors on, and reads results.
public enum OwnedDelivery {
    /// The message's descriptor in the process of the owner.
    private static let messageNumber: Int32 = 3
    /// A home that does not answer holds a worker no longer.
    private static let limit = Duration.seconds(3600)
    /// Far more than results of so many recipients are.
    private static func replyLimit(_ recipients: Int) -> Int { 4096 + recipients * 2048 }

    private static let cutShort = Reply(
        451, EnhancedStatus(4, 3, 0), "the delivery was cut short")

    /// Delivers to mailboxes of one owner. The request has the recipients of these mailboxes only,
    /// in their order, and `maildirs` are the paths of their Maildirs. Below `base` folders that are
    /// missing may be made.
    static func run(
        _ request: DeliveryRequest, _ file: Descriptor, to maildirs: [String], base: String,
        as owner: Identity
    ) -> [DeliveryResult] {
        do {
            let input = try Files.inMemory("request")
            var fields = request.fields
            fields.append("base", base)
            for maildir in maildirs { fields.append("maildir", maildir) }
            try input.borrowed.writeAll(fields.frame, "request")
            try input.borrowed.rewind("request")
            let output = try Files.inMemory("reply")
            let command = try command(
                [0: input.number, 1: output.number, messageNumber: file.rawValue], owner)
            let end = try Child(command).waitOrKill(.after(limit), endingGroup: true)
            guard end == .exited(0) else { throw FieldsError.cutShort }
            let bytes = try output.borrowed.bytes(
                at: 0, count: replyLimit(maildirs.count), "reply")
            return try DeliveryReply(Fields(frame: bytes), recipients: maildirs.count).results
        } catch {
            Log(LocalAgent.name).event(
                "owner-failed",
                [
                    "message": request.id.description, "user": "\(owner.user)",
                    "error": "\(error)",
                ])
            return maildirs.map { _ in DeliveryResult(cutShort) }
        }
    }

    private static func command(
        _ descriptors: [Int32: Int32], _ owner: Identity
    ) throws -> Command {
        guard let path = Programs.find(LocalAgent.name) else {
            throw SystemError("exec", LocalAgent.name, .noSuchFileOrDirectory)
        }
        var command = Command(
            path, ["--once"], environment: ["PATH=/usr/local/bin:/usr/bin:/bin"])
        command.descriptors = descriptors
        command.identity = owner
        command.gainsNoPrivileges = true
        command.hasOwnGroup = true
        command.folder = "/"
        command.deathSignal = SIGKILL
        return command
    }

    /// The life of the owner's process: one request on descriptor 0, its message on 3, the reply
    /// on 1.
    /// - Throws: `SystemError`, `FieldsError`: then there is no reply, and all is deferred.
    public static func serveOnce() throws {
        let input = Descriptor(rawValue: 0)
        let bytes = try input.readToEnd("request", limit: Fields.maximumLength + 64)
        let fields = try Fields(frame: bytes)
        let request = try DeliveryRequest(fields)
        guard let base = fields.text("base") else { throw FieldsError.missing("base") }
        let maildirs = fields.all.filter { $0.name == "maildir" }.map {
            String(decoding: $0.value, as: UTF8.self)
        }
        let recipients = request.envelope.recipients
        guard maildirs.count == recipients.count else { throw FieldsError.missing("maildir") }
        var names = MaildirName()
        let results = zip(recipients, maildirs).map { recipient, maildir in
            var delivery = LocalDelivery(
                request: request, recipient: recipient, file: Descriptor(rawValue: messageNumber))
            let result = DeliveryResult(
                delivery.run(Maildir(maildir, base: base), name: names.next()))
            LocalAgent.log(result, recipient, request, delivery.evidence)
            return result
        }
        try Descriptor(rawValue: 1).writeAll(DeliveryReply(results).fields.frame, "reply")
    }
}
