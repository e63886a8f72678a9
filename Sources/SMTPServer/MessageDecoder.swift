// MessageDecoder: one of the two ways in which a message comes.
// RFC 5321, section 4.1.1.4; RFC 3030, section 2.
// SPDX-License-Identifier: MIT

import SMTPProtocol

/// What follows DATA, or what follows the BDAT commands of a message.
enum MessageDecoder {
    case data(DataDecoder)
    case chunks(ChunkDecoder)

    /// True when a command comes next: after the message, or between two chunks.
    var isAtCommand: Bool {
        switch self {
        case .data(let decoder): decoder.isComplete
        case .chunks(let decoder): decoder.isChunkComplete
        }
    }

    /// True at the end of the message.
    var isComplete: Bool {
        switch self {
        case .data(let decoder): decoder.isComplete
        case .chunks(let decoder): decoder.isComplete
        }
    }

    var isWellFormed: Bool {
        switch self {
        case .data(let decoder): decoder.isWellFormed
        case .chunks(let decoder): decoder.isWellFormed
        }
    }

    /// Bytes of the message as RFC 1870 counts them.
    var size: Int {
        switch self {
        case .data(let decoder): decoder.size
        case .chunks(let decoder): decoder.size
        }
    }

    /// The bytes of the longest line without its CRLF.
    var longestLine: Int {
        switch self {
        case .data(let decoder): decoder.longestLine
        case .chunks(let decoder): decoder.longestLine
        }
    }

    /// Begins a chunk. There is none in what follows DATA.
    mutating func begin(_ chunk: Chunk) {
        guard case .chunks(var decoder) = self else { return }
        decoder.begin(size: chunk.size, isLast: chunk.isLast)
        self = .chunks(decoder)
    }

    /// Decodes bytes onto the end of `output` and returns how many were taken.
    mutating func decode(
        _ input: UnsafeRawBufferPointer, into output: inout [UInt8]
    ) -> Int {
        switch self {
        case .data(var decoder):
            defer { self = .data(decoder) }
            return decoder.decode(input, into: &output)
        case .chunks(var decoder):
            defer { self = .chunks(decoder) }
            return decoder.decode(input, into: &output)
        }
    }
}
