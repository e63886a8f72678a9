// Edits on the wire.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

extension Fields {
    /// Adds one field for each edit, in order; none for a `delay`.
    public mutating func append(_ edits: [Edit]) {
        for edit in edits {
            switch edit {
            case .prepend(let field): append("edit.prepend", field.bytes)
            case .remove(let name): append("edit.remove", name)
            case .addRecipient(let mailbox): append("edit.add-recipient", mailbox.bytes)
            case .removeRecipient(let mailbox): append("edit.remove-recipient", mailbox.bytes)
            case .reversePath(let path): append("edit.reverse-path", path.bytes)
            case .replaceMessage(let offset, let length):
                append("edit.replace-message", "\(offset) \(length)")
            case .note(let name, let value): append("edit.note.\(name)", value)
            case .hold: append("edit.hold", "")
            case .delay: break  // Of the reply, see FilterReply.
            }
        }
    }

    /// The edits among the fields, in order.
    /// - Throws: `FieldsError.badValue` for an unknown edit or a value that is not of its form.
    public func edits() throws(FieldsError) -> [Edit] {
        var edits: [Edit] = []
        for field in all where field.name.hasPrefix("edit.") {
            guard let edit = Edit(field) else { throw .badValue(field.name) }
            edits.append(edit)
        }
        return edits
    }
}

extension Edit {
    init?(_ field: Fields.Field) {
        let value = field.value
        switch field.name {
        case "edit.prepend": self.init(HeaderField(line: value).map(Edit.prepend))
        case "edit.remove": self.init(HeaderField.isName(value) ? .remove(name: value) : nil)
        case "edit.add-recipient": self.init((try? Mailbox(value)).map(Edit.addRecipient))
        case "edit.remove-recipient": self.init((try? Mailbox(value)).map(Edit.removeRecipient))
        case "edit.reverse-path": self.init((try? ReversePath(value)).map(Edit.reversePath))
        case "edit.replace-message": self.init(Edit.replacement(value))
        case "edit.hold": self = .hold
        default:
            let prefix = "edit.note."
            guard field.name.hasPrefix(prefix) else { return nil }
            self = .note(name: String(field.name.dropFirst(prefix.count)), value: value)
        }
    }

    private init?(_ edit: Edit?) {
        guard let edit else { return nil }
        self = edit
    }

    private static func replacement(_ value: [UInt8]) -> Edit? {
        let numbers = value.split(separator: 0x20).map(\.decimalValue)
        guard numbers.count == 2, let offset = numbers[0], let length = numbers[1] else {
            return nil
        }
        return .replaceMessage(offset: offset, length: length)
    }
}
