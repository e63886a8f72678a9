// PipedMessage: a message in the form in which other mail systems put it into a pipe.
// mbox(5); pipe(8postfix), flags F and R.
// SPDX-License-Identifier: MIT

import FilterChain
import MailModel
import SMTPProtocol
import UnixIO

/// The message without what is only of the pipe, which is put back on descriptor 1.
struct PipedMessage: ~Copyable {
    /// The message with LF line ends.
    let arrival: Arrival
    /// The line `From address date` before it, with its line end; empty when there is none.
    let fromLine: [UInt8]
    /// True when every line ended in CRLF, and the line `From ` in whatever it was.
    let usesCRLF: Bool

    /// Takes what is on descriptor 0.
    static func take() throws -> PipedMessage {
        let whole = try Arrival.take()
        let beginning = try whole.beginning()
        var fromLine: [UInt8] = []
        if beginning.starts(with: "From ".utf8), let end = beginning.firstIndex(of: 0x0A) {
            fromLine = Array(beginning[...end])
        }
        let offset = whole.offset + fromLine.count
        let length = whole.length - fromLine.count
        let firstLine = beginning.dropFirst(fromLine.count).prefix { $0 != 0x0A }
        if firstLine.last == 0x0D,
            let file = try PipedMessage.decoded(whole.file.borrowed, offset, length)
        {
            let size = Int(try file.borrowed.status("message").st_size)
            return PipedMessage(
                arrival: Arrival(file: file, offset: 0, length: size, isDescriptor0: false),
                fromLine: fromLine, usesCRLF: true)
        }
        return PipedMessage(
            arrival: whole.from(offset, length), fromLine: fromLine, usesCRLF: false)
    }

    /// The message with LF for CRLF; nil when not every line end is one, so that it would not come
    /// out as it came.
    private static func decoded(
        _ file: Descriptor, _ offset: Int, _ length: Int
    ) throws(SystemError) -> OwnedDescriptor? {
        var decoder = ChunkDecoder()
        decoder.begin(size: length, isLast: true)
        let copy = try ViewFile.temporary(for: length)
        var position = 0
        while position < length {
            let piece = try file.bytes(
                at: offset + position, count: min(65_536, length - position), "message")
            guard !piece.isEmpty else { throw SystemError("pread", "message", .ioError) }
            position += piece.count
            var output: [UInt8] = []
            _ = decoder.decode(piece, into: &output)
            guard decoder.isWellFormed else { return nil }
            try copy.borrowed.writeAll(output, "message copy")
        }
        guard decoder.isWellFormed else { return nil }
        return try copy.reopenedForReading()
    }

    /// Who the line `From ` says has sent it; nil where there is none.
    var sender: [UInt8]? {
        guard !fromLine.isEmpty else { return nil }
        let address = fromLine.dropFirst(5).prefix { !$0.isBlank && $0 != 0x0A }
        return Array(address)
    }
}

extension Arrival {
    /// The same file, of which so many bytes from an offset on are the message.
    fileprivate consuming func from(_ offset: Int, _ length: Int) -> Arrival {
        Arrival(file: file, offset: offset, length: length, isDescriptor0: isDescriptor0)
    }
}
