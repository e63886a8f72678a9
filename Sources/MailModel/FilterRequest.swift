// FilterRequest: what a step is asked.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

/// What became of what a request is about, where a step is only told.
public enum Outcome: String, CaseIterable, Sendable {
    /// It was refused for good, by another step or by the server itself: at stage `rcpt` the
    /// recipient.
    case refused
    /// A login was refused for good. The stage is `helo`, and fact `auth-user` is the login that
    /// was tried: nobody has shown that it is his.
    case refusedLogin = "refused-login"
}

/// One question to one step. The message itself is a descriptor beside it, read-only, of which
/// `messageLength` bytes from `messageOffset` are the message.
public struct FilterRequest: Hashable, Sendable {
    /// The version of the protocol that this code speaks.
    public static let version = "1"

    /// The moment of the session.
    public var stage: Stage
    /// What is known of the client.
    public var facts: Facts
    /// The envelope before the edits below; nil before MAIL.
    public var envelope: Envelope?
    /// What earlier steps changed, notes included.
    public var edits: [Edit]
    /// Where the message begins in the descriptor.
    public var messageOffset: Int
    /// How many bytes the message has, before edits. 0 before stage `message`.
    public var messageLength: Int
    /// True when nothing may be consumed: no limit is charged (`--check`, mode observe).
    public var isTrial: Bool
    /// Set when nothing is asked any more: the step is told what became of it, and its verdict is
    /// not heeded. Only steps with `report` in filters.d(5) get such a request.
    public var outcome: Outcome?

    /// A request of these parts.
    public init(
        stage: Stage, facts: Facts, envelope: Envelope? = nil, edits: [Edit] = [],
        messageOffset: Int = 0, messageLength: Int = 0, isTrial: Bool = false,
        outcome: Outcome? = nil
    ) {
        self.stage = stage
        self.facts = facts
        self.envelope = envelope
        self.edits = edits
        self.messageOffset = messageOffset
        self.messageLength = messageLength
        self.isTrial = isTrial
        self.outcome = outcome
    }

    /// The envelope with the pending edits made; a null reverse-path without recipients where
    /// there is none yet.
    public var currentEnvelope: Envelope {
        edits.applied(to: envelope ?? Envelope(reversePath: .null))
    }

    /// The request on the wire.
    public var fields: Fields {
        var fields = Fields()
        fields.append("chainmail", FilterRequest.version)
        fields.append("stage", stage.rawValue)
        if isTrial { fields.append("trial", "1") }
        if let outcome { fields.append("outcome", outcome.rawValue) }
        fields.append(facts)
        if let envelope { fields.append(envelope) }
        fields.append("message-offset", messageOffset)
        fields.append("message-length", messageLength)
        fields.append(edits)
        return fields
    }

    /// Reads a request. Facts of unknown names are passed over, so that older filters serve
    /// newer callers. An unknown outcome is an error: it must not be judged as if it were none.
    /// - Throws: `FieldsError`, for another version too.
    public init(_ fields: Fields) throws(FieldsError) {
        guard fields.text("chainmail") == FilterRequest.version else {
            throw .badValue("chainmail")
        }
        guard let stage = fields.text("stage").flatMap(Stage.init(rawValue:)) else {
            throw .badValue("stage")
        }
        let outcome = fields.text("outcome").map(Outcome.init(rawValue:))
        if let outcome, outcome == nil { throw .badValue("outcome") }
        self.init(
            stage: stage, facts: fields.facts, envelope: try fields.envelope(),
            edits: try fields.edits(), messageOffset: try fields.number("message-offset"),
            messageLength: try fields.number("message-length"), isTrial: fields["trial"] != nil,
            outcome: outcome ?? nil)
    }
}

extension Fields {
    /// Adds `fact.NAME` for each fact.
    public mutating func append(_ facts: Facts) {
        let names = FactName.fieldNames
        for (name, value) in facts.all { append(names[name.rank], value) }
    }

    /// Every fact among the fields whose name is known; of two with the same name the last.
    public var facts: Facts {
        var facts = Facts()
        let names = FactName.fieldNames
        // They mostly come in the order of the names.
        var next = 0
        for field in all where field.name.hasPrefix("fact.") {
            let found = names[next...].firstIndex(of: field.name)
            guard let rank = found ?? names[..<next].firstIndex(of: field.name) else { continue }
            facts[FactName.allCases[rank]] = field.value
            next = rank
        }
        return facts
    }
}
