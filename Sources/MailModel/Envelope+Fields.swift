// Envelopes on the wire.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

extension Fields {
    /// Adds `reverse-path`, a field for each option of the message, and for each recipient
    /// `recipient` and a field for each of its options.
    public mutating func append(_ envelope: Envelope) {
        append("reverse-path", envelope.reversePath.bytes)
        if !envelope.options.isEmpty { append(envelope.options) }
        for (number, recipient) in envelope.recipients.enumerated() {
            append("recipient", recipient.bytes)
            append(envelope.options(ofRecipient: number))
        }
    }

    /// The envelope among the fields; nil when there is no `reverse-path`.
    /// - Throws: `FieldsError.badValue` for bytes that are not an address, and for options that are
    ///   not of their form.
    public func envelope() throws(FieldsError) -> Envelope? {
        guard let path = self["reverse-path"] else { return nil }
        do {
            var envelope = Envelope(reversePath: try ReversePath(path))
            var last: (mailbox: Mailbox, options: RecipientOptions)?
            // Most fields are facts.
            for field in all where field.name.utf8.first != 0x66 {
                if field.name == "recipient" {
                    if let last { envelope.append(last.mailbox, last.options) }
                    last = (try Mailbox(field.value), RecipientOptions())
                } else if let isGood = last?.options.take(field) ?? nil {
                    guard isGood else { throw FieldsError.badValue(field.name) }
                } else if !envelope.options.take(field) {
                    throw FieldsError.badValue(field.name)
                }
            }
            if let last { envelope.append(last.mailbox, last.options) }
            return envelope
        } catch let error as FieldsError {
            throw error
        } catch {
            throw .badValue("envelope")
        }
    }
}
