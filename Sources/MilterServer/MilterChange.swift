// MilterChange: one change that an MTA is asked to make.
// smfi_insheader and others of libmilter's API.
// SPDX-License-Identifier: MIT

import MailModel

/// A change of the header or the envelope. Values have LF line ends, and begin with what follows
/// the colon.
public enum MilterChange: Hashable, Sendable {
    /// Remove the field of this name that is so many times from the top, from 1 on.
    case removeField(name: [UInt8], occurrence: Int)
    /// Put a field on top.
    case insertField(name: [UInt8], value: [UInt8])
    /// Put a field at the end of the header.
    case addField(name: [UInt8], value: [UInt8])
    /// Another reverse-path, in angle brackets.
    case reversePath([UInt8])
    /// One recipient more, in angle brackets.
    case addRecipient([UInt8])
    /// One recipient less, as the MTA itself has named it.
    case removeRecipient([UInt8])
    /// Keep it, undelivered, until the administrator releases it.
    case quarantine
}

/// A header field as an MTA counts it.
struct PlainField: Hashable {
    /// Without blanks around it.
    let name: [UInt8]
    /// All between the colon and the last LF.
    let value: [UInt8]

    var foldedName: [UInt8] { name.asciiLowercased }
}

/// The header of a message that is there as bytes.
struct PlainHeader {
    /// The fields in their order.
    private(set) var fields: [PlainField] = []
    /// Where the body begins: after the empty line, or at the first line that is no field.
    private(set) var bodyStart = 0

    /// Reads the fields at the beginning of the bytes. Where the bytes are known to be fields and
    /// nothing else, none of them ends the header, whatever its name.
    init(_ bytes: some RandomAccessCollection<UInt8>, isFieldsAlone: Bool = false) {
        let bytes = Array(bytes)
        var position = 0
        while position < bytes.count, bytes[position] != 0x0A {
            let end = PlainHeader.endOfField(bytes, position)
            let isField = isFieldsAlone || !bytes[position].isBlank
            guard let colon = bytes[position..<end].firstIndex(of: 0x3A), isField,
                isFieldsAlone || colon > position
            else {
                bodyStart = position
                return
            }
            let last = bytes[end - 1] == 0x0A ? end - 1 : end
            fields.append(
                PlainField(
                    name: Array(bytes[position..<colon].trimmed),
                    value: colon + 1 <= last ? Array(bytes[(colon + 1)..<last]) : []))
            position = end
        }
        bodyStart = min(position + 1, bytes.count)
    }

    /// After the LF that no blank follows.
    private static func endOfField(_ bytes: [UInt8], _ start: Int) -> Int {
        var position = start
        while let lineEnd = bytes[position...].firstIndex(of: 0x0A) {
            position = lineEnd + 1
            guard position < bytes.count, bytes[position].isBlank else { return position }
        }
        return bytes.count
    }
}

extension [MilterChange] {
    /// What makes one header of another. Fields that are the same stay as they are, from the end of
    /// the header up to the first that is not; removals come first, from the bottom up, so that no
    /// count is changed by a removal before it.
    static func changing(_ old: [PlainField], to new: [PlainField]) -> [MilterChange] {
        guard old != new else { return [] }
        let known = Set(old)
        var end = new.count
        while end > 0, !known.contains(new[end - 1]) { end -= 1 }
        var (start, bound) = (end, old.count)
        var stays = [Bool](repeating: false, count: old.count)
        while start > 0 {
            guard let place = old[..<bound].lastIndex(of: new[start - 1]) else { break }
            stays[place] = true
            bound = place
            start -= 1
        }
        return removing(old) { !stays[$0] }
            + new[..<start].reversed().map { .insertField(name: $0.name, value: $0.value) }
            + new[end...].map { .addField(name: $0.name, value: $0.value) }
    }

    /// The removal of those of the fields whose index is named, from the bottom up.
    static func removing(_ fields: [PlainField], where goes: (Int) -> Bool) -> [MilterChange] {
        var counts: [[UInt8]: Int] = [:]
        var changes: [MilterChange] = []
        for (index, field) in fields.enumerated() {
            let occurrence = counts[field.foldedName, default: 0] + 1
            counts[field.foldedName] = occurrence
            if goes(index) {
                changes.append(.removeField(name: field.name, occurrence: occurrence))
            }
        }
        return changes.reversed()
    }
}
