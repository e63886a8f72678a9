// KeptMessage: a message in quarantine that was opened.
// quarantine(5).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
public import UnixIO

/// A message, its record, and its open file.
public struct KeptMessage: ~Copyable {
    /// Everything but the bytes.
    public let message: QuarantinedMessage
    /// The file; the message is its first `length` bytes.
    public let file: OwnedDescriptor
    /// How many bytes the message has.
    public let length: Int
    private let path: String

    init(_ file: consuming OwnedDescriptor, _ path: String) throws(QuarantineError) {
        do throws(SystemError) {
            let size = Int(try file.borrowed.status(path).st_size)
            let end = try file.borrowed.bytes(
                at: max(0, size - QuarantineFooter.size), count: QuarantineFooter.size, path)
            guard let footer = QuarantineFooter(end, fileSize: size) else {
                throw SystemError("read", path, .badMessage)
            }
            let frame = try file.borrowed.bytes(
                at: footer.messageLength, count: footer.frameLength, path)
            guard let fields = try? Fields(frame: frame),
                let message = try? QuarantinedMessage(fields)
            else { throw SystemError("read", path, .badMessage) }
            self.message = message
            length = footer.messageLength
        } catch  where error.errno == .badMessage {
            throw .damaged(path, "not a message in quarantine, or cut short")
        } catch {
            throw .system(error)
        }
        self.file = file
        self.path = path
    }

    /// Locks it against everybody else who wants to, for as long as it is open.
    /// - Throws: `.busy` when somebody has; `.missing` when somebody has removed it.
    public func lock() throws(QuarantineError) {
        do throws(SystemError) {
            guard try file.borrowed.tryLock(path) else { throw SystemError("", path, .wouldBlock) }
            guard try file.borrowed.status(path).st_nlink > 0 else {
                throw SystemError("", path, .noSuchFileOrDirectory)
            }
        } catch  where error.errno == .wouldBlock {
            throw .busy("\(message.id)")
        } catch  where error.errno == .noSuchFileOrDirectory {
            throw .missing("\(message.id)")
        } catch {
            throw .system(error)
        }
    }
}

/// The last bytes of a file, which say where its parts are.
struct QuarantineFooter {
    static let size = 24
    private static let magic = Array("CHAINQR1".utf8)

    let messageLength: Int
    let frameLength: Int

    init(messageLength: Int, frameLength: Int) {
        self.messageLength = messageLength
        self.frameLength = frameLength
    }

    /// Reads the footer of a file of this size; nil when it is none or says what cannot be.
    init?(_ bytes: [UInt8], fileSize: Int) {
        guard bytes.count == QuarantineFooter.size, bytes.starts(with: QuarantineFooter.magic)
        else { return nil }
        let numbers = [8, 16].map { start in
            bytes[start..<(start + 8)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        guard let message = Int(exactly: numbers[0]), let frame = Int(exactly: numbers[1]),
            frame <= Fields.maximumLength + 16, message <= fileSize,
            message + frame + QuarantineFooter.size == fileSize
        else { return nil }
        self.init(messageLength: message, frameLength: frame)
    }

    var bytes: [UInt8] {
        QuarantineFooter.magic
            + [messageLength, frameLength].flatMap { number in
                (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
            }
    }
}
