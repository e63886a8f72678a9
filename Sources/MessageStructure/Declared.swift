// Declared: what the header of an entity says of its content, in every reading.
// RFC 2045, sections 5 and 6; RFC 2183.
// SPDX-License-Identifier: MIT

import MailModel

/// Types, file names, charsets and transfer encodings, of all fields of their kinds: some mail
/// readers take the first of two, some the last.
struct Declared {
    /// The types in small letters.
    private(set) var types: [[UInt8]] = []
    private(set) var fileNames: [[UInt8]] = []
    private(set) var charsets: [[UInt8]] = []
    private(set) var transfers: [Transfer] = []

    /// What is no entity of its own: a text, or a file in a text.
    init(type: String? = nil, fileName: [UInt8]? = nil) {
        types = type.map { [Array($0.utf8)] } ?? []
        fileNames = fileName.map(FileName.readings) ?? []
        transfers = [.identity]
    }

    /// - Throws: `StructureError` when there are too many of them.
    init(_ entity: Entity, _ limits: StructureLimits) throws(StructureError) {
        for field in entity.values(of: "Content-Type") {
            let value = Text.Value(field, isType: true)
            types += Declared.types(value, field)
            fileNames += try FileName.all(value, field, ["name", "filename"])
            charsets += [value["charset"]].compactMap(\.self)
            charsets += try ParameterScan(field).values(of: "charset")
            try limits.bound(fileNames)
        }
        for field in entity.values(of: "Content-Disposition") {
            let value = Text.Value(field, isType: false)
            fileNames += try FileName.all(value, field, ["filename", "name"])
            try limits.bound(fileNames)
        }
        transfers = entity.values(of: "Content-Transfer-Encoding").flatMap(Transfer.readings)
        if transfers.isEmpty { transfers = [.identity] }
        if types.isEmpty {
            // RFC 2045, section 5.2, and RFC 2046, section 5.1.5.
            let type = entity.kind == .messagePart ? "message/rfc822" : "text/plain"
            types = entity.kind == .multipart ? [] : [Array(type.utf8)]
        }
        types = types.uniqued
        fileNames = fileNames.uniqued
        charsets = charsets.map(\.asciiLowercased).uniqued
        transfers = transfers.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// True for text of any kind.
    var isText: Bool { types.contains { $0.starts(with: "text/".utf8) } }

    /// True for what is marked up as HTML is.
    var isHTML: Bool {
        types.contains { $0.holds("html") || $0.holds("enriched") || $0.holds("richtext") }
    }

    /// True for a message in a part, or in a file of a part.
    var isMessage: Bool {
        types.contains { $0.starts(with: "message/".utf8) }
            || fileNames.contains { name in
                [".eml", ".mht", ".mhtml", ".mime"].contains {
                    name.suffix($0.utf8.count).equalsIgnoringASCIICase($0.utf8)
                }
            }
    }

    /// GMime's reading, and what stands before the first semicolon.
    private static func types(_ value: Text.Value, _ field: [UInt8]) -> [[UInt8]] {
        let plain = field.filter { $0 > 0x20 && $0 != 0x22 && $0 != 0x7F }
        let raw = plain.prefix { $0 != 0x3B && $0 != 0x28 && $0 != 0x2C }.asciiLowercased
        let own = value.main.asciiLowercased
        return ([own] + (raw.contains(0x2F) ? [raw] : [])).filter { !$0.isEmpty }.uniqued
    }
}

extension StructureLimits {
    /// Every reading of a name is one more subject: all together may be as long as a header.
    fileprivate func bound(_ names: [[UInt8]]) throws(StructureError) {
        guard names.reduce(0, { $0 + $1.count }) <= headerSize else {
            throw .overLimit("the names of files have more than \(headerSize) bytes")
        }
        guard !deadline.hasPassed else { throw .overLimit("the time limit ran out") }
    }
}
