// AuthQuestion: what auth-check is asked.
// auth-protocol(7).
// SPDX-License-Identifier: MIT

public import MailModel

/// The first frame of a conversation.
public struct AuthQuestion: Equatable, Sendable {
    /// The version of the protocol that this code speaks.
    public static let version = "1"

    /// The most bytes of a frame of either side.
    public static let longestFrame = 65_536

    /// The most bytes of one response of a client, decoded: RFC 4954, section 4, lets its line
    /// have 12,288.
    public static let longestResponse = 9216

    /// The mechanism's name.
    public var mechanism: String
    /// What the client said with it; nil when nothing. Empty is something.
    public var response: [UInt8]?
    /// What is known of the client.
    public var facts: Facts
    /// tls-exporter; given only where a mechanism that binds was offered.
    public var tlsExporter: [UInt8]?
    /// tls-unique; the same.
    public var tlsUnique: [UInt8]?
    /// The names in the client's certificate, which TLS has verified.
    public var identities: [[UInt8]] = []

    /// A request of these parts.
    public init(mechanism: String, response: [UInt8]?, facts: Facts) {
        self.mechanism = mechanism
        self.response = response
        self.facts = facts
    }

    /// The request on the wire.
    public var fields: Fields {
        var fields = Fields()
        fields.append("chainmail", AuthQuestion.version)
        fields.append("request", "authenticate")
        fields.append("mechanism", mechanism)
        if let response { fields.append("response", response) }
        fields.append(facts)
        if let tlsExporter { fields.append("tls-exporter", tlsExporter) }
        if let tlsUnique { fields.append("tls-unique", tlsUnique) }
        for identity in identities { fields.append("identity", identity) }
        return fields
    }

    /// Reads a request.
    /// - Throws: `FieldsError`, for another version too.
    public init(_ fields: Fields) throws(FieldsError) {
        guard fields.text("chainmail") == AuthQuestion.version else {
            throw .badValue("chainmail")
        }
        guard let mechanism = fields.text("mechanism") else { throw .missing("mechanism") }
        self.init(
            mechanism: mechanism, response: fields["response"], facts: fields.facts)
        guard (response?.count ?? 0) <= AuthQuestion.longestResponse else {
            throw .badValue("response")
        }
        tlsExporter = fields["tls-exporter"]
        tlsUnique = fields["tls-unique"]
        identities = fields.all.filter { $0.name == "identity" }.map(\.value)
    }
}
