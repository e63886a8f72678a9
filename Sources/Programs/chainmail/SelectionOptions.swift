// SelectionOptions: which messages of the queue are meant.
// chainmail(1), section THE QUEUE.
// SPDX-License-Identifier: MIT

import ArgumentParser
import Control
import MailModel
import MailQueue
import UnixIO

/// The filters of `chainmail queue`.
struct SelectionOptions: ParsableArguments {
    @Option(help: "Of this reverse-path; * is any text, and <> the null one.")
    var sender: [String] = []
    @Option(help: "With a recipient that is left and is this; * is any text.")
    var recipient: [String] = []
    @Option(help: "With a recipient that is left and goes to this domain, or local.")
    var destination: [String] = []
    @Option(help: "Whose last reply to a recipient that is left contains this text.")
    var reply: [String] = []
    @Option(help: "Only new, deferred or held messages.")
    var place: [String] = []
    @Option(help: "Accepted longer ago than this, such as 12h or 3d.")
    var olderThan: String?
    @Option(help: "Accepted since, such as 30m.")
    var newerThan: String?

    func validate() throws {
        for word in place where !["new", "deferred", "held"].contains(word) {
            throw ValidationError("--place \(word): it is new, deferred or held.")
        }
        for (name, value) in [("older-than", olderThan), ("newer-than", newerThan)] {
            if let value, Quantity.duration(value) == nil {
                throw ValidationError("--\(name) \(value): not a time such as 12h or 3d.")
            }
        }
    }

    /// True when none was given.
    var isEmpty: Bool {
        sender.isEmpty && recipient.isEmpty && destination.isEmpty && reply.isEmpty
            && place.isEmpty && olderThan == nil && newerThan == nil
    }

    /// What was asked for.
    /// - Throws: `ControlError` when destinations cannot be known.
    func selection(_ root: Root) throws -> QueueSelection {
        var selection = QueueSelection()
        selection.senders = sender.map { GlobPattern($0 == "<>" ? "" : $0) }
        selection.recipients = recipient.map { GlobPattern($0) }
        selection.destinations = destination.map { GlobPattern($0) }
        selection.replies = reply.map { GlobPattern("*\($0)*") }
        selection.places = Set(place)
        selection.before = olderThan.flatMap(moment)
        selection.after = newerThan.flatMap(moment)
        if !destination.isEmpty { selection.routing = try Routing(root.control) }
        return selection
    }

    /// So long ago, in microseconds since 1970.
    private func moment(_ text: String) -> UInt64? {
        guard let age = Quantity.duration(text) else { return nil }
        let (micro, overflow) = UInt64(clamping: age.milliseconds)
            .multipliedReportingOverflow(by: 1000)
        let now = WallClock.microseconds
        return overflow || micro > now ? 0 : now - micro
    }
}
