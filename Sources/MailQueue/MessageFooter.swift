// MessageFooter: the last bytes of a message file, which say that it is whole.
// queue(5), section THE MESSAGE FILE.
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

/// Where the parts of a message file are.
struct MessageFooter: Hashable, Sendable {
    /// How many bytes a footer has.
    static let size = 44
    private static let magic = Array("CHAINMQ1".utf8)
    /// How much of the end of a file is read at once: enough for most tails.
    private static let usualTail = 4096

    var messageOffset: Int
    var messageLength: Int
    var tailOffset: Int
    var tailLength: Int

    /// The footer of this tail.
    func bytes(tail: [UInt8]) -> [UInt8] {
        var bytes = MessageFooter.magic
        for number in [messageOffset, messageLength, tailOffset, tailLength] {
            bytes += MessageFooter.bigEndian(UInt64(clamping: number))
        }
        var checksum = CRC32C(tail)
        checksum.update(bytes)
        return bytes + MessageFooter.bigEndian(UInt64(checksum.value)).suffix(4)
    }
}

extension MessageFooter {
    /// Reads the footer of a file of this size from its last bytes; nil when it is not whole, not
    /// ours, or says what cannot be.
    private init?(_ bytes: ArraySlice<UInt8>, fileSize: Int) {
        guard bytes.count == MessageFooter.size, bytes.prefix(8).elementsEqual(MessageFooter.magic)
        else { return nil }
        let numbers = (0..<4).map { index -> Int in
            let start = bytes.startIndex + 8 + index * 8
            return Int(clamping: MessageFooter.number(bytes[start..<(start + 8)]))
        }
        (messageOffset, messageLength) = (numbers[0], numbers[1])
        (tailOffset, tailLength) = (numbers[2], numbers[3])
        let (messageEnd, overflow) = messageOffset.addingReportingOverflow(messageLength)
        let (tailEnd, carry) = tailOffset.addingReportingOverflow(tailLength)
        guard !overflow, !carry, messageEnd == tailOffset,
            tailEnd == fileSize - MessageFooter.size, tailLength <= Fields.maximumLength + 16
        else { return nil }
    }

    /// Reads footer and tail of a message file.
    /// - Throws: `QueueError.damaged` when it is not whole, `.system` when it cannot be read.
    static func read(
        _ file: Descriptor, _ name: @autoclosure () -> String
    ) throws(QueueError) -> QueuedMessage {
        let end: [UInt8]
        let size: Int
        do throws(SystemError) {
            size = Int(try file.status(name()).st_size)
            let start = max(0, size - usualTail)
            end = try file.bytes(at: start, count: size - start, name())
        } catch {
            throw .system(error)
        }
        guard let footer = MessageFooter(end.suffix(MessageFooter.size), fileSize: size) else {
            throw .damaged(name(), "no footer: the file is cut short or is no message")
        }
        var tail: [UInt8]
        if end.count >= footer.tailLength + MessageFooter.size {
            tail = Array(end.suffix(footer.tailLength + MessageFooter.size))
            tail.removeLast(MessageFooter.size)
        } else {
            do throws(SystemError) {
                tail = try file.bytes(at: footer.tailOffset, count: footer.tailLength, name())
            } catch {
                throw .system(error)
            }
        }
        guard footer.bytes(tail: tail).elementsEqual(end.suffix(MessageFooter.size)) else {
            throw .damaged(name(), "the checksum is wrong")
        }
        do throws(FieldsError) {
            return try QueuedMessage(tail: tail, footer)
        } catch {
            throw .damaged(name(), "the tail cannot be read: \(error)")
        }
    }

    private static func bigEndian(_ number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * UInt64($0))) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
