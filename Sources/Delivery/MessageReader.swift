// MessageReader: a message as it is delivered, piece by piece.
// delivery-protocol(7).
// SPDX-License-Identifier: MIT

import MailModel
public import SMTPClient
import SystemPackage
public import UnixIO

/// A message of a file with its header edits made. No more than a piece of it is in memory.
///
/// The descriptor is borrowed and read with pread(2).
public struct MessageReader: MessageSource {
    /// The most bytes that are read at a time.
    public static let pieceSize = 65_536

    private let file: Descriptor
    private var position: Int
    /// Nil where the request's numbers make no sense.
    private let end: Int?
    private var top: [UInt8]
    private var header: HeaderFieldFilter
    private var lines: LineSearch?
    private var isFinished = false

    /// A reader of a request's message, before its first byte. `top` goes above everything else.
    /// `line`, without its line end, is looked for in the header of the message as it came.
    public init(
        _ request: DeliveryRequest, _ file: Descriptor, top: [UInt8] = [],
        searching line: [UInt8]? = nil, removing names: [String] = []
    ) {
        let removals = names.map { Edit.remove(name: Array($0.utf8)) }
        let overlay = (request.edits + removals).overlay
        self.file = file
        self.top = top + overlay.top
        position = request.messageOffset
        let (sum, overflow) = request.messageOffset.addingReportingOverflow(request.messageLength)
        end = overflow ? nil : sum
        header = HeaderFieldFilter(removing: overlay.removedNames)
        lines = line.map(LineSearch.init)
    }

    /// True when the line was in the header, as far as it has been read.
    public var hasFoundLine: Bool { lines?.hasFound ?? false }

    /// True when the whole header was read, so that `hasFoundLine` is final.
    var hasPassedHeader: Bool { header.isDone || isFinished }

    /// The next piece; it may be empty where much of a header is left out.
    /// - Throws: `SystemError`; `ENODATA` when the file is shorter than the message.
    public mutating func next() throws(SystemError) -> [UInt8]? {
        guard let end else { throw SystemError("pread", "message", .noData) }
        guard position < end else { return finish() }
        let count = min(MessageReader.pieceSize, end - position)
        let piece = try file.bytes(at: position, count: count, "message")
        guard piece.count == count else { throw SystemError("pread", "message", .noData) }
        position += count
        guard !header.isDone else { return piece }
        var output = top
        top = []
        output.reserveCapacity(output.count + count)
        piece.withUnsafeBytes { bytes in
            let taken = header.take(bytes, into: &output)
            lines?.take(UnsafeRawBufferPointer(rebasing: bytes[..<taken]))
            output += bytes[taken...]
        }
        return output
    }

    private mutating func finish() -> [UInt8]? {
        guard !isFinished else { return nil }
        isFinished = true
        // Whatever the header has not yet given out, and the top of a message without a byte.
        var output = top
        header.finish(into: &output)
        lines?.finish()
        return output.isEmpty ? nil : output
    }
}
