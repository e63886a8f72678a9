// MilterHeader: the header of a message, as a milter sees and changes it.
// smfi_addheader, smfi_insheader, smfi_chgheader; cleanup_milter.c of Postfix.
// SPDX-License-Identifier: MIT

public import MailModel

/// A header as a milter counts it, with the changes it asked for.
///
/// Three ways of counting are in use, and all of them are understood. When fields are changed, those
/// of the name are counted from 1 as the milter saw them: one that it has removed counts still
/// (Sendmail), but one that asks for it again means the next (Postfix). 0 means the first that is
/// there. When a field is put in, the field that the server has put on top counts as the first
/// although the milter does not see it: 0 and 1 both are on top of what it saw.
public struct MilterHeader: Sendable {
    /// A field that the milter sees.
    public struct Field: Hashable, Sendable {
        /// The name, without blanks around it.
        public let name: [UInt8]
        /// All that follows the colon, but the line end; folds have LF.
        public let value: [UInt8]
        /// Where it is in the message, with its line end.
        public let range: Range<Int>

        /// A field of these parts.
        public init(name: [UInt8], value: [UInt8], range: Range<Int>) {
            self.name = name
            self.value = value
            self.range = range
        }
    }

    private struct Entry {
        let name: [UInt8]
        /// Where it was; nil for one that was put in.
        var range: Range<Int>?
        /// What is there now, when it is not what was; empty when it was removed.
        var bytes: [UInt8]?

        var isRemoved: Bool { bytes?.isEmpty == true }
    }

    /// Bytes for a part of the message.
    public struct Patch: Hashable, Sendable {
        /// What goes.
        public let range: Range<Int>
        /// What comes.
        public let bytes: [UInt8]
    }

    private var entries: [Entry]
    /// Where the header ends: an added field is put there.
    private let end: Int
    /// False where the last line of the header has no line end.
    private let isEnded: Bool
    /// False where the milter sees the first blank after a colon: then it gives it, too.
    private let addsSpace: Bool

    /// A header of these fields, which ends at this offset of the message, perhaps without a line
    /// end.
    public init(_ fields: [Field], end: Int, isEnded: Bool = true, hasLeadingSpace: Bool) {
        self.isEnded = isEnded
        entries = fields.map { Entry(name: $0.name.asciiLowercased, range: $0.range) }
        self.end = end
        addsSpace = !hasLeadingSpace
    }

    /// Adds a field at the end.
    /// - Returns: false when it is no field.
    public mutating func add(_ name: [UInt8], _ value: [UInt8]) -> Bool {
        guard let field = field(name, value) else { return false }
        entries.append(Entry(name: name.asciiLowercased, bytes: field.bytes))
        return true
    }

    /// Puts a field in.
    /// - Returns: false when it is no field.
    public mutating func insert(at index: UInt32, _ name: [UInt8], _ value: [UInt8]) -> Bool {
        guard let field = field(name, value) else { return false }
        var place = entries.startIndex
        // Without the field that the server has put on top.
        var left = max(0, Int(index) - 1)
        while left > 0, place < entries.endIndex {
            if !entries[place].isRemoved { left -= 1 }
            place += 1
        }
        entries.insert(Entry(name: name.asciiLowercased, bytes: field.bytes), at: place)
        return true
    }

    /// Changes or, without a value, removes a field. One that is not there is added.
    /// - Returns: false when it is no field.
    public mutating func change(_ index: UInt32, _ name: [UInt8], _ value: [UInt8]) -> Bool {
        let folded = name.asciiLowercased
        let places = entries.indices.filter { entries[$0].name == folded }
        let candidates = places.dropFirst(max(0, Int(index) - 1))
        let place = candidates.first { !entries[$0].isRemoved }
        guard !value.isEmpty else {
            if let place { entries[place].bytes = [] }
            return true
        }
        guard let place else { return add(name, value) }
        guard let field = field(name, value) else { return false }
        entries[place].bytes = field.bytes
        return true
    }

    /// A field as the milter wants it. What it cannot have become so: CRLF is LF, CR alone goes,
    /// and a line that does not begin with a blank gets one, so that nothing in a value is a field
    /// of its own.
    private func field(_ name: [UInt8], _ value: [UInt8]) -> HeaderField? {
        guard HeaderField.isName(name) else { return nil }
        var line = name
        line.append(0x3A)
        if addsSpace { line.append(0x20) }
        var isLineStart = false
        for byte in value where byte != 0x0D {
            if byte == 0x0A {
                // An empty line would end the header.
                isLineStart = true
                continue
            }
            if isLineStart {
                line.append(0x0A)
                if !byte.isBlank { line.append(0x09) }
                isLineStart = false
            }
            line.append(byte)
        }
        return HeaderField(line: line)
    }
}

extension MilterHeader {
    /// True when nothing was changed.
    public var isUnchanged: Bool {
        entries.allSatisfy { $0.range == nil ? $0.isRemoved : $0.bytes == nil }
    }

    /// The changes as names of fields that all go, and then fields that come on top, the lowest
    /// first; nil when they are more than that.
    public var simple: (removed: [[UInt8]], added: [HeaderField])? {
        // What was put in and removed again is nothing.
        let entries = entries.filter { $0.range != nil || !$0.isRemoved }
        let top = entries.prefix { $0.range == nil }
        let rest = entries.dropFirst(top.count)
        guard rest.allSatisfy({ $0.range != nil && ($0.bytes == nil || $0.isRemoved) }) else {
            return nil
        }
        let gone = Set(rest.lazy.filter(\.isRemoved).map(\.name))
        guard !rest.contains(where: { !$0.isRemoved && gone.contains($0.name) }) else {
            return nil
        }
        let added = top.reversed().compactMap { HeaderField(line: $0.bytes ?? []) }
        return (gone.sorted { $0.lexicographicallyPrecedes($1) }, added)
    }

    /// The changes as other bytes for parts of the message, in their order.
    public var patches: [Patch] {
        var patches: [Patch] = []
        var pending: [UInt8] = []
        for entry in entries {
            guard let range = entry.range else {
                pending += entry.bytes ?? []
                continue
            }
            if !pending.isEmpty {
                patches.append(Patch(range: range.lowerBound..<range.lowerBound, bytes: pending))
                pending = []
            }
            if let bytes = entry.bytes { patches.append(Patch(range: range, bytes: bytes)) }
        }
        if !pending.isEmpty {
            patches.append(Patch(range: end..<end, bytes: (isEnded ? [] : [0x0A]) + pending))
        }
        return patches
    }
}
