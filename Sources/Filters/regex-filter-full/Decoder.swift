// Decoder: what rules need of GMime.
// regex-rules(5), section SCOPES.
// SPDX-License-Identifier: MIT

import MessageStructure
import RegexRules
import UnixIO

/// Decodes by `MessageStructure`.
struct Decoder: MessageDecoder {
    private let library = Library()

    func readings(ofField line: [UInt8]) -> [[UInt8]] { HeaderText.readings(line) }

    func content(
        of message: [UInt8], _ limits: DecodingLimits, deadline: Deadline
    ) throws -> any DecodedContent {
        var allowed = StructureLimits()
        allowed.headerSize = limits.headerSize
        allowed.fields = limits.fields
        allowed.parts = limits.parts
        allowed.nesting = limits.nesting
        allowed.decodedSize = limits.decodedSize
        allowed.deadline = deadline
        return try limiting { () throws(StructureError) in try Content(message, allowed) }
    }
}

/// A message as rules ask for it.
private final class Content: DecodedContent {
    private let message: DecodedMessage

    init(_ message: [UInt8], _ limits: StructureLimits) throws(StructureError) {
        self.message = try DecodedMessage(message, limits)
    }

    var types: [[UInt8]] { message.types }
    var fileNames: [[UInt8]] { message.fileNames }

    func texts() throws -> [[UInt8]] {
        try limiting { () throws(StructureError) in try message.allTexts() }
    }
}

/// What is over a limit of the library is over a limit of the rules.
private func limiting<Result>(_ body: () throws(StructureError) -> Result) throws -> Result {
    do throws(StructureError) {
        return try body()
    } catch {
        throw LimitError(error.description)
    }
}
