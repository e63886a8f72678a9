// Spool+Transfer: messages from one queue to another, each once.
// queue(5), section EXPORTS.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// A message as it leaves a queue: the bytes of its files.
public struct ExportedMessage: Hashable, Sendable {
    /// Its id, here and there.
    public let id: QueueID
    /// True when it was held.
    public let isHeld: Bool
    /// The message file: message, tail and footer.
    public let file: [UInt8]
    /// The state file; empty without one.
    public let state: [UInt8]

    /// The message as a frame, the bytes of both files, and the CRC-32C of all of it as 8
    /// hexadecimal digits and a line end.
    public var bytes: [UInt8] {
        var fields = Fields()
        fields.append("chainmail-export", "1")
        fields.append("id", id.description)
        if isHeld { fields.append("held", "1") }
        fields.append("file", file.count)
        fields.append("state", state.count)
        let body = fields.frame + file + state
        let digits = String(CRC32C(body).value, radix: 16)
        return body + Array("\(String(repeating: "0", count: 8 - digits.count))\(digits)\n".utf8)
    }
}

/// Why an export cannot be read on.
public enum ExportError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It ends in the middle of a message.
    case cutShort
    /// It is no export, or was damaged, from this message on.
    case damaged(String)

    /// The reason.
    public var description: String {
        switch self {
        case .cutShort: "it ends in the middle of a message"
        case .damaged(let how): "it is damaged: \(how)"
        }
    }
}

/// Reads messages out of an export, one at a time.
public struct ExportReader {
    private static let longestFrame = 4096
    private static let largest = 1 << 40
    private let read: (Int) throws -> [UInt8]
    private var buffer: [UInt8] = []

    /// Reads with a function that gives so many bytes at most, and none at the end.
    public init(_ read: @escaping (Int) throws -> [UInt8]) { self.read = read }

    /// The next message; nil at the end.
    /// - Throws: `ExportError`, and what the function throws.
    public mutating func next() throws -> ExportedMessage? {
        guard try fill(16) || !buffer.isEmpty else { return nil }
        let length: Int
        do throws(FieldsError) {
            length = try Fields.frameLength(startingWith: Array(buffer.prefix(16))) ?? 0
        } catch {
            throw ExportError.damaged("no frame: \(error)")
        }
        guard length > 0, length <= ExportReader.longestFrame else {
            throw ExportError.damaged("no frame")
        }
        let head = try take(length)
        let fields: Fields
        do throws(FieldsError) { fields = try Fields(frame: head) } catch {
            throw ExportError.damaged("\(error)")
        }
        guard fields.text("chainmail-export") == "1",
            let id = fields["id"].flatMap({ QueueID($0) }),
            let file = try? fields.number("file"), let state = try? fields.number("state"),
            (0...ExportReader.largest).contains(file), (0...ExportReader.largest).contains(state)
        else { throw ExportError.damaged("a frame that is none of an export") }
        let body = try take(file + state)
        let checksum = try take(9)
        let digits = String(CRC32C(head + body).value, radix: 16)
        guard
            checksum.elementsEqual(
                "\(String(repeating: "0", count: 8 - digits.count))\(digits)\n".utf8)
        else { throw ExportError.damaged("the checksum of \(id) is wrong") }
        return ExportedMessage(
            id: id, isHeld: fields["held"] != nil, file: Array(body[..<file]),
            state: Array(body[file...]))
    }

    private mutating func take(_ count: Int) throws -> [UInt8] {
        guard try fill(count) else { throw ExportError.cutShort }
        let bytes = Array(buffer.prefix(count))
        buffer.removeFirst(count)
        return bytes
    }

    /// True when so many bytes are at hand.
    private mutating func fill(_ count: Int) throws -> Bool {
        while buffer.count < count {
            let piece = try read(min(1 << 20, max(1 << 16, count - buffer.count)))
            if piece.isEmpty { return false }
            buffer += piece
        }
        return true
    }
}

extension Spool {
    /// A message as an export holds it; nil when it is gone or moved.
    /// - Throws: `QueueError`.
    public func export(_ id: QueueID, at place: MessagePlace) throws(QueueError) -> ExportedMessage?
    {
        do throws(SystemError) {
            let file = try open(place.path(id))
            let size = Int(try file.borrowed.status("\(id)").st_size)
            let bytes = try file.borrowed.bytes(at: 0, count: size, "\(id)")
            var state: [UInt8] = []
            do throws(SystemError) {
                let file = try open(Spool.stateName(id))
                state = try file.borrowed.readToEnd("\(id)", limit: 256 << 20)
            } catch {
                guard error.errno == .noSuchFileOrDirectory else { throw error }
            }
            var isHeld = false
            if case .held = place { isHeld = true }
            return ExportedMessage(id: id, isHeld: isHeld, file: bytes, state: state)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw .system(error)
        }
    }
}
