// Sample: what of a message is shown to a server.
// spam-check(8), section LARGE MESSAGES.
// SPDX-License-Identifier: MIT

public import UnixIO

/// A file to show, and what goes before it.
public struct Sample: Sendable {
    /// Fields that are for the server alone, such as a Received field.
    public let prefix: [UInt8]
    /// The file, borrowed and read with pread(2) only.
    public let file: Descriptor
    /// How many bytes of it, from its beginning.
    public let fileLength: Int

    /// A sample of these parts.
    public init(prefix: [UInt8], file: Descriptor, fileLength: Int) {
        self.prefix = prefix
        self.file = file
        self.fileLength = fileLength
    }

    /// How many bytes are shown.
    public var length: Int { prefix.count + fileLength }

    private static let pieceSize = 65_536

    /// Sends the request and all of the sample.
    /// - Returns: false when the server stopped listening. It may have said why.
    func send(
        after head: [UInt8], on connection: borrowing Connection, _ deadline: Deadline
    ) throws(SpamServerError) -> Bool {
        var pending = head + prefix
        var position = 0
        do throws(SystemError) {
            while position < fileLength {
                let count = min(Sample.pieceSize, fileLength - position)
                let piece = try file.bytes(at: position, count: count, "message")
                guard piece.count == count else {
                    throw SystemError("read", "message", .noData)
                }
                try connection.send(pending + piece, deadline: deadline)
                pending = []
                position += count
            }
            try connection.send(pending, deadline: deadline)
            return true
        } catch  where error.errno == .brokenPipe || error.errno == .connectionReset {
            return false
        } catch {
            throw .system(error)
        }
    }
}
