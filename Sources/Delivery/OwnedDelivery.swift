// OwnedDelivery: a delivery by a process that is the mailbox's owner.
// deliver-local(8), section OWNERS.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import Recipients
import UnixIO

/// What root starts for the recipients of one owner, and what that process does. Root reads nothing
/// of the message and nothing of the owner's: it says where the mail belongs, passes descriptors
/// on, and reads results.
public enum OwnedDelivery {
    /// The message's descriptor in the process of the owner.
    private static let messageNumber: Int32 = 3
    /// A home that does not answer holds a worker no longer.
    private static let limit = Duration.seconds(3600)
    /// When the process begins nothing more, so that what it did is told before it is killed.
    private static let patience = Duration.seconds(2400)
    /// Far more than results of so many recipients are.
    private static func replyLimit(_ recipients: Int) -> Int {
        min(Fields.maximumLength, 4096 + recipients * (2 << 20))
    }

    private static let cutShort = Reply(
        451, EnhancedStatus(4, 3, 0), "the delivery was cut short")

    /// The moment at which a run that begins now begins nothing more.
    static var deadline: Deadline { .after(patience) }

    /// Delivers to recipients of one owner. The request has only them, in the order of their
    /// destinations.
    static func run(
        _ request: DeliveryRequest, _ file: Descriptor, to destinations: [LocalDestination],
        _ terms: LocalTerms, as owner: Identity
    ) -> [InstructionOutcome] {
        do {
            let input = try Files.inMemory("request")
            var fields = request.fields
            fields.append(terms)
            for destination in destinations { fields.append(destination) }
            try input.borrowed.writeAll(fields.frame, "request")
            try input.borrowed.rewind("request")
            let output = try Files.inMemory("reply")
            let command = try command(
                [0: input.number, 1: output.number, messageNumber: file.rawValue], owner)
            let end = try Child(command).waitOrKill(.after(limit), endingGroup: true)
            guard end == .exited(0) else { throw FieldsError.cutShort }
            let bytes = try output.borrowed.bytes(
                at: 0, count: replyLimit(destinations.count), "reply")
            return try outcomes(Fields(frame: bytes), destinations.count)
        } catch {
            let outcome = InstructionOutcome(
                reply: cutShort,
                evidence: [("owner", "\(owner.user)"), ("error", "\(error)")])
            return destinations.map { _ in outcome }
        }
    }

    private static func outcomes(
        _ fields: Fields, _ count: Int
    ) throws(FieldsError) -> [InstructionOutcome] {
        var outcomes: [InstructionOutcome] = []
        for field in fields.all where field.name == "outcome" {
            outcomes.append(try InstructionOutcome(Fields(frame: field.value)))
        }
        guard outcomes.count == count else { throw .missing("outcome") }
        return outcomes
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
        let terms = try LocalTerms(fields)
        let destinations = try fields.destinations()
        guard destinations.count == request.envelope.recipients.count else {
            throw FieldsError.missing("destination")
        }
        umask(0o077)
        var names = MaildirName()
        var reply = Fields()
        let runs = InstructionRuns(
            request: request, places: Array(destinations.indices), destinations: destinations,
            file: Descriptor(rawValue: messageNumber), terms: terms)
        for outcome in runs.run(&names) { reply.append("outcome", outcome.fields.frame) }
        try Descriptor(rawValue: 1).writeAll(reply.frame, "reply")
    }
}
