// SpamOpinion: what a server thinks of a message.
// spam-check(8).
// SPDX-License-Identifier: MIT

public import MailModel

/// What rspamd would have done with a message.
public enum RspamdAction: String, CaseIterable, Sendable {
    /// Let it pass.
    case none = "no action"
    /// Let it pass; a first message of its kind was or will be deferred by `soft reject`.
    case greylist
    /// Mark it by a field.
    case addHeader = "add header"
    /// Mark it in its Subject field.
    case rewriteSubject = "rewrite subject"
    /// Defer it.
    case softReject = "soft reject"
    /// Refuse it.
    case reject
    /// Say yes and drop it.
    case discard
    /// Keep it, undelivered.
    case quarantine

    /// True when it means that the message is spam.
    public var isSpam: Bool {
        switch self {
        case .none, .greylist, .softReject: false
        case .addHeader, .rewriteSubject, .reject, .discard, .quarantine: true
        }
    }
}

/// One opinion on one message.
public struct SpamOpinion: Hashable, Sendable {
    /// The score.
    public var score: Double
    /// From which score on the server calls a message spam (spamd), or rejects it (rspamd).
    public var required: Double
    /// True when the server calls it spam.
    public var isSpam: Bool
    /// The names of the rules that matched, as they came, without what could break a field.
    public var symbols: [String] = []
    /// rspamd's action.
    public var action: RspamdAction?
    /// True when the server's own time was over before it had applied all of its rules.
    public var isUnfinished = false
    /// True when the server was told by its own configuration not to look at this message.
    public var isSkipped = false
    /// What a client should be told, in the server's words.
    public var text: String?
    /// The Subject that the message should have.
    public var subject: [UInt8]?
    /// Fields that the server wants on top, the topmost last.
    public var addedFields: [HeaderField] = []
    /// Names of fields that it wants to be gone.
    public var removedFields: [[UInt8]] = []

    /// An opinion of these parts.
    public init(score: Double, required: Double, isSpam: Bool) {
        self.score = score
        self.required = required
        self.isSpam = isSpam
    }

    /// The most names that are kept.
    static let symbolLimit = 1000

    /// A name of a rule without blanks, commas and what is not printable ASCII.
    static func symbol(_ bytes: some Sequence<UInt8>) -> String {
        let kept = bytes.lazy.filter { (0x21...0x7E).contains($0) && $0 != 0x2C }
        return String(decoding: Array(kept.prefix(128)), as: UTF8.self)
    }
}
