// RspamdReply: what rspamd thinks of a message.
// https://docs.rspamd.com/developers/protocol: the reply of /checkv2.
// SPDX-License-Identifier: MIT

import JSONText
import MailModel

/// Reads the object that /checkv2 answers with.
enum RspamdReply {
    static func opinion(_ value: JSONValue) throws(SpamServerError) -> SpamOpinion {
        guard let score = value["score"]?.number, score.magnitude <= Score.limit else {
            throw .nonsense("no score")
        }
        let required = value["required_score"]?.number ?? .infinity
        guard let word = value["action"]?.text else { throw .nonsense("no action") }
        guard let action = RspamdReply.action(word, value["reject"]?.text) else {
            throw .nonsense("action \(word.utf8.prefix(80).printable)")
        }
        var opinion = SpamOpinion(score: score, required: required, isSpam: action.isSpam)
        opinion.action = action
        opinion.isSkipped = value["is_skipped"]?.flag ?? false
        if let symbols = value["symbols"]?.members {
            opinion.symbols = symbols.prefix(SpamOpinion.symbolLimit)
                .map { SpamOpinion.symbol($0.name.utf8) }.filter { !$0.isEmpty }
        }
        if let text = value["messages"]?["smtp_message"]?.text, !text.isEmpty {
            opinion.text = text
        }
        opinion.subject = value["subject"]?.bytes
        addFields(of: value, to: &opinion)
        return opinion
    }

    /// Newer ones write `_` instead of the blank in some places. `reject` has the word that says
    /// what a milter does instead.
    private static func action(_ word: String, _ instead: String?) -> RspamdAction? {
        let plain = String(decoding: word.utf8.map { $0 == 0x5F ? 0x20 : $0 }, as: UTF8.self)
        if let instead, let action = RspamdAction(rawValue: instead) { return action }
        return RspamdAction(rawValue: plain.lowercased())
    }

    private static func addFields(of value: JSONValue, to opinion: inout SpamOpinion) {
        let signatures = value["dkim-signature"].map { $0.elements ?? [$0] } ?? []
        for signature in signatures {
            if let field = field("DKIM-Signature", signature) { opinion.addedFields.append(field) }
        }
        for member in value["milter"]?["add_headers"]?.members ?? [] {
            for body in member.value.elements ?? [member.value] {
                if let field = field(member.name, body["value"] ?? body) {
                    opinion.addedFields.append(field)
                }
            }
        }
        let removed = value["milter"]?["remove_headers"]?.members ?? []
        opinion.removedFields = removed.map { Array($0.name.utf8) }.filter(HeaderField.isName)
    }

    /// Nil for what is no legal field. CRLF is its line end, or LF.
    private static func field(_ name: String, _ body: JSONValue) -> HeaderField? {
        guard let text = body.bytes else { return nil }
        var bytes: [UInt8] = []
        for byte in text {
            if byte == 0x0A, bytes.last == 0x0D { bytes.removeLast() }
            bytes.append(byte)
        }
        while bytes.last == 0x0A { bytes.removeLast() }
        return HeaderField(Array(name.utf8), bytes.drop(while: \.isBlank))
    }
}
