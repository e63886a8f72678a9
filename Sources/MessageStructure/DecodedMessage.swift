// DecodedMessage: what a message holds in its parts, in every reading.
// RFC 2045, 2046, 2047, 2231.
// SPDX-License-Identifier: MIT

import MailModel

/// The types, file names and texts of a message.
///
/// GMime reads the message; what mail readers forgive and GMime does not is read a second time,
/// mended. All readings count together: a message hides nothing by being ambiguous.
public final class DecodedMessage {
    /// The MIME types of all parts, in small letters, each once.
    public private(set) var types: [[UInt8]] = []
    /// The names of files, each once.
    public private(set) var fileNames: [[UInt8]] = []

    private let limits: StructureLimits
    private var waiting: [Reading] = []
    private var parts = 0
    private var decodedSize = 0
    private var texts: [TextPart] = []
    private var known: (types: Set<[UInt8]>, names: Set<[UInt8]>) = ([], [])

    /// Reads a message.
    /// - Throws: `StructureError` when it is over a limit.
    public init(_ message: [UInt8], _ limits: StructureLimits) throws(StructureError) {
        self.limits = limits
        waiting.append(Reading(bytes: message, kind: .whole, isMessage: true, depth: 0))
        while let reading = waiting.popLast() { try read(reading) }
    }

    /// The texts in every reading: as UTF-8, and as the bytes they are where that is not certain;
    /// HTML both as source and as what is visible.
    /// - Throws: `StructureError` when they are over a limit.
    public func allTexts() throws(StructureError) -> [[UInt8]] {
        var all: [[UInt8]] = []
        var size = 0
        for text in texts {
            guard !limits.deadline.hasPassed else { throw .overLimit("the time limit ran out") }
            for reading in text.readings {
                size += reading.count
                guard size <= limits.decodedSize else { throw tooMuch }
                all.append(reading)
            }
        }
        return all
    }

    private var tooMuch: StructureError {
        .overLimit("the parts have more than \(limits.decodedSize) bytes after decoding")
    }

    private func read(_ reading: Reading) throws(StructureError) {
        guard reading.depth <= limits.nesting else {
            throw .overLimit("parts are nested too deep")
        }
        var left = limits
        left.nesting -= reading.depth
        left.parts -= parts
        let entities = try Entity.all(in: reading.bytes, isMessage: reading.isMessage, left)
        // A reading costs, whether anything is in it or not.
        parts += max(1, entities.count { $0.kind != .message })
        guard parts <= limits.parts else {
            throw .overLimit("the message has too many parts")
        }
        if let mended = reading.mended { waiting.append(mended) }
        waiting += try reading.variants(entities)
        for entity in entities { try take(entity, of: reading) }
        guard reading.kind != .variant else { return }
        let rescan = Rescan(reading.bytes, entities)
        waiting += rescan.torn.map(reading.mended)
        if reading.kind != .slice { waiting += rescan.parts.map(reading.slice) }
        if !rescan.loose.isEmpty {
            try add(rescan.loose, Declared(type: "text/plain"), depth: reading.depth)
        }
    }

    private func take(_ entity: Entity, of reading: Reading) throws(StructureError) {
        guard entity.kind != .message else { return }
        let declared = try Declared(entity, limits)
        insert(declared)
        let depth = reading.depth + entity.depth
        if entity.kind == .leaf, let content = entity.content {
            try take(reading.bytes[content.clamped(to: 0..<reading.bytes.count)], declared, depth)
        } else if declared.transfers != [.identity], let start = entity.start {
            // RFC 2045, section 6.4, forbids to encode what has parts; some do, and some read it.
            try takeEncodedParts(of: reading, from: start, entity, declared, depth)
        }
    }

    private func insert(_ declared: Declared) {
        types += declared.types.filter { known.types.insert($0).inserted }
        fileNames += declared.fileNames.filter { known.names.insert($0).inserted }
    }

    /// The content of a leaf: all of it where its beginning is of interest.
    private func take(
        _ content: ArraySlice<UInt8>, _ declared: Declared, _ depth: Int
    ) throws(StructureError) {
        for transfer in declared.transfers {
            let isWanted =
                declared.isText || declared.isMessage
                || transfer.decodings(of: content.prefix(Content.sample)).contains {
                    Content.looksLikeText($0[...])
                }
            guard isWanted else { continue }
            for decoded in transfer.decodings(of: content) {
                try add(decoded, declared, depth: depth)
            }
        }
    }

    private func takeEncodedParts(
        of reading: Reading, from start: Int, _ entity: Entity, _ declared: Declared, _ depth: Int
    ) throws(StructureError) {
        var end = start
        while end < reading.bytes.count {
            let next = reading.bytes.lineEnd(from: end)
            if reading.bytes[end..<next].allSatisfy({ $0 == 0x0A || $0 == 0x0D }) { break }
            end = next
        }
        let type = entity.fields.filter { $0.isNamed("Content-Type") }.flatMap {
            Array("Content-Type:".utf8) + $0.value.filter { $0 != 0 } + [0x0A]
        }
        for transfer in declared.transfers where transfer != .identity {
            for decoded in transfer.decodings(of: reading.bytes[end...]) {
                try count(decoded)
                let bytes = type.withoutEmptyLines + [0x0A] + decoded
                waiting.append(
                    Reading(bytes: bytes, kind: .whole, isMessage: false, depth: depth + 1))
            }
        }
    }

    /// Decoded bytes: a text, a message, or files within a text.
    private func add(
        _ bytes: [UInt8], _ declared: Declared, depth: Int
    ) throws(StructureError) {
        try count(bytes)
        let isText = declared.isText || Content.looksLikeText(bytes[...])
        if declared.isMessage || (!declared.isText && Content.looksLikeMessage(bytes[...])) {
            waiting.append(Reading(bytes: bytes, kind: .whole, isMessage: true, depth: depth + 1))
        }
        guard isText else { return }
        texts.append(
            TextPart(bytes: bytes, charsets: declared.charsets, isHTML: declared.isHTML))
        let files = InlineFile.all(in: bytes, limit: limits.parts)
        for file in files { try add(file, of: bytes, depth: depth) }
    }

    private func add(
        _ file: InlineFile, of text: [UInt8], depth: Int
    ) throws(StructureError) {
        parts += 1
        guard parts < limits.parts else {
            throw .overLimit("the message has too many parts")
        }
        let declared = Declared(fileName: file.name)
        insert(declared)
        guard let lines = file.lines, depth < limits.nesting else { return }
        for decoded in Transfer.uuencode.decodings(of: text[lines])
        where Content.looksLikeText(decoded[...]) {
            try add(decoded, declared, depth: depth + 1)
        }
    }

    private func count(_ bytes: [UInt8]) throws(StructureError) {
        decodedSize += bytes.count
        guard decodedSize <= limits.decodedSize else { throw tooMuch }
    }
}

extension [UInt8] {
    /// Lines without those that would end a header.
    fileprivate var withoutEmptyLines: [UInt8] {
        var output: [UInt8] = []
        forEachLine { line in
            if !self[line].allSatisfy({ $0 == 0x0A || $0 == 0x0D }) { output += self[line] }
        }
        return output
    }
}
