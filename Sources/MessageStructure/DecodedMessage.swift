// DecodedMessage: what a message holds in its parts, in every reading.
// RFC 2045, 2046, 2047, 2231.
// SPDX-License-Identifier: MIT

import MailModel

/// The types, file names and texts of a message.
public final class DecodedMessage {
    /// The MIME types of all parts, in small letters, each once.
    public private(set) var types: [[UInt8]] = []
    /// The names of files, each once.
    public private(set) var fileNames: [[UInt8]] = []
    private var limits: StructureLimits
    private var texts: [Part] = []

    /// Reads a message.
    /// - Throws: `StructureError` when it is over a limit.
    public init(_ message: [UInt8], _ limits: StructureLimits) throws(StructureError) {
        self.limits = limits
        for entity in try Entity.all(in: message, isMessage: true, limits) { take(entity, message) }
    }

    private func take(_ entity: Entity, _ bytes: [UInt8]) {
        guard entity.kind != .message else { return }
        let values = entity.values(of: "Content-Type").map { Text.Value($0, isType: true) }
        let dispositions = entity.values(of: "Content-Disposition").map {
            Text.Value($0, isType: false)
        }
        let own = values.map(\.main.asciiLowercased)
        types += own.isEmpty && entity.kind == .leaf ? [Array("text/plain".utf8)] : own
        fileNames += values.compactMap { $0["name"] } + dispositions.compactMap { $0["filename"] }
        guard let content = entity.content, content.upperBound <= bytes.count,
            own.isEmpty || own.contains(where: { $0.starts(with: "text/".utf8) })
        else { return }
        let transfers = entity.values(of: "Content-Transfer-Encoding").flatMap(Transfer.readings)
        let isHTML = own.contains { $0.elementsEqual("text/html".utf8) }
        for transfer in transfers.isEmpty ? [.identity] : transfers {
            for decoded in transfer.decodings(of: bytes[content]) {
                texts.append(
                    Part(
                        bytes: decoded, charsets: values.compactMap { $0["charset"] },
                        isHTML: isHTML))
            }
        }
    }

    /// The texts.
    /// - Throws: `StructureError` when they are over a limit.
    public func allTexts() throws(StructureError) -> [[UInt8]] {
        texts.flatMap(\.readings)
    }
}

/// A text of a message.
struct Part {
    let bytes: [UInt8]
    let charsets: [[UInt8]]
    let isHTML: Bool

    var readings: [[UInt8]] {
        let decoded = charsets.compactMap { Text.utf8(bytes[...], from: $0)?.text }
        return decoded.isEmpty ? [bytes] : decoded
    }
}

/// Lines of a header.
public enum HeaderText {
    /// A line with its encoded words (RFC 2047) decoded to UTF-8.
    public static func decoded(_ line: [UInt8]) -> [UInt8] { Text.decodingWords(line) }
}
