// QuarantinedMessage: what is known of a message that was set aside.
// quarantine(5).
// SPDX-License-Identifier: MIT

public import MailModel
public import UnixIO

/// Everything about a message in quarantine but its bytes.
public struct QuarantinedMessage: Hashable, Sendable {
    /// Its name: sorts by the time at which it was set aside.
    public let id: SessionID
    /// When it was set aside, in microseconds since 1970-01-01 UTC.
    public let time: UInt64
    /// The filter that did it.
    public let filter: String
    /// Why, such as the name of a virus.
    public let reason: String
    /// Who sent it to whom; nil where the filter was not told.
    public let envelope: Envelope?
    /// What is known of the client.
    public let facts: Facts

    /// A record of these parts, with an id of its own. `time` is now, in microseconds since
    /// 1970-01-01 UTC; `random` has at least 50 random bits.
    public init(
        time: UInt64, random: UInt64, filter: String, reason: String, envelope: Envelope?,
        facts: Facts
    ) {
        id = SessionID(microseconds: time, random: random)
        self.time = time
        self.filter = filter
        self.reason = reason
        self.envelope = envelope
        self.facts = facts
    }

    /// The frame that is behind the message.
    var fields: Fields {
        var fields = Fields()
        fields.append("quarantine", "1")
        fields.append("id", id.description)
        fields.append("time", Int(clamping: time))
        fields.append("filter", filter)
        fields.append("reason", reason)
        if let envelope { fields.append(envelope) }
        fields.append(facts)
        return fields
    }

    /// Reads a frame.
    /// - Throws: `FieldsError`.
    init(_ fields: Fields) throws(FieldsError) {
        guard fields.text("quarantine") == "1" else { throw .badValue("quarantine") }
        guard let id = fields["id"].flatMap({ SessionID($0) }) else { throw .badValue("id") }
        guard let filter = fields.text("filter") else { throw .missing("filter") }
        guard let reason = fields.text("reason") else { throw .missing("reason") }
        self.id = id
        time = UInt64(clamping: try fields.number("time"))
        self.filter = filter
        self.reason = reason
        envelope = try fields.envelope()
        facts = fields.facts
    }
}

/// Why the quarantine could not do something.
public enum QuarantineError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A system call failed.
    case system(SystemError)
    /// There is no message of this name.
    case missing(String)
    /// A file is not what it must be: which, and how.
    case damaged(String, String)
    /// Somebody else has just begun to release or remove it.
    case busy(String)

    /// One line.
    public var description: String {
        switch self {
        case .system(let error): error.description
        case .missing(let id): "no message \(id) in quarantine"
        case .damaged(let file, let how): "\(file): \(how)"
        case .busy(let id): "\(id): another process is at it"
        }
    }
}
