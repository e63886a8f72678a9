// EditedMessage: a message of a file with its edits made, piece by piece.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

public import MailModel
public import SMTPClient
public import UnixIO

/// No more than a piece of it is in memory. The descriptor is borrowed and read with pread(2).
public struct EditedMessage: MessageSource {
    private static let pieceSize = 65_536

    private let file: Descriptor
    private var position: Int
    private let end: Int
    private var top: [UInt8]
    private var header: HeaderFieldFilter
    private var isHeader: Bool
    private var isFinished = false

    /// The message of so many bytes from an offset on.
    public init(_ file: Descriptor, offset: Int, length: Int, _ overlay: HeaderOverlay) {
        self.file = file
        position = offset
        let (sum, overflow) = offset.addingReportingOverflow(length)
        end = overflow ? .max : sum
        top = overlay.top
        header = HeaderFieldFilter(removing: overlay.removedNames)
        isHeader = !overlay.removedNames.isEmpty
    }

    /// The next piece; it may be empty where much of a header is left out.
    /// - Throws: `SystemError`; `ENODATA` when the file is shorter than the message.
    public mutating func next() throws(SystemError) -> [UInt8]? {
        if !top.isEmpty {
            defer { top = [] }
            return top
        }
        guard position < end else { return finish() }
        let count = min(EditedMessage.pieceSize, end - position)
        let piece = try file.bytes(at: position, count: count, "message")
        guard piece.count == count else { throw SystemError("pread", "message", .noData) }
        position += count
        guard isHeader else { return piece }
        var output: [UInt8] = []
        let taken = piece.withUnsafeBytes { header.take($0, into: &output) }
        isHeader = !header.isDone
        return output + piece[taken...]
    }

    private mutating func finish() -> [UInt8]? {
        guard !isFinished else { return nil }
        isFinished = true
        var rest: [UInt8] = []
        header.finish(into: &rest)
        return rest.isEmpty ? nil : rest
    }
}
