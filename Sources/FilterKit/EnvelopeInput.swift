// EnvelopeInput: the envelope, from a descriptor or from what a shell says.
// qmail-queue(8); filter-protocol(7).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import SystemPackage
import UnixIO

/// Where envelopes come from.
enum EnvelopeInput {
    /// The most bytes that an envelope may have: 16 MiB, some 16,000 of the longest addresses.
    static let limit = 16 << 20

    /// Reads what is left on a descriptor, or the whole file from its beginning, without moving
    /// the offset of a regular file.
    /// - Throws: `FilterError` with exit 54.
    static func bytes(
        on source: Descriptor, fromBeginning: Bool = false
    ) throws(FilterError) -> [UInt8] {
        do throws(SystemError) {
            let extent = try MessageInput.extent(of: source, fromBeginning: fromBeginning)
            guard let (offset, length) = extent else {
                return try source.readToEnd("envelope", limit: limit)
            }
            guard length <= limit else {
                throw SystemError("read", "envelope", .fileTooLarge)
            }
            return try source.bytes(at: offset, count: length, "envelope")
        } catch {
            throw FilterError(error, otherwise: .cannotRead)
        }
    }

    /// Reads the queue format.
    /// - Throws: `FilterError` with exit 54 for an empty or cut one: whoever wrote it went away;
    ///   91 for a malformed one; 11 for an address over 1002 bytes.
    static func parse(_ bytes: [UInt8]) throws(FilterError) -> Envelope {
        do throws(EnvelopeError) {
            return try Envelope(queueFormat: bytes)
        } catch {
            throw FilterError(error)
        }
    }

    /// What a shell says: the options, else `SENDER` and `RECIPIENT` as in a dot-qmail file, else
    /// the Return-Path; nil when nobody says anything.
    static func shell(
        sender: [UInt8]?, recipients: [[UInt8]], _ message: MessageView
    ) throws(FilterError) -> Envelope? {
        var sender = sender ?? Environment.bytes("SENDER")
        if sender == nil { sender = try returnPath(message) }
        let recipients =
            recipients.isEmpty ? [Environment.bytes("RECIPIENT")].compactMap { $0 } : recipients
        guard sender != nil || !recipients.isEmpty else { return nil }
        do throws(MailboxError) {
            var envelope = Envelope(reversePath: try ReversePath(withoutBrackets(sender ?? [])))
            for recipient in recipients {
                envelope.append(try Mailbox(withoutBrackets(recipient)))
            }
            return envelope
        } catch {
            guard error != .tooLong else { throw FilterError.addressTooLong }
            throw .configuration("an address of the envelope is empty or holds a line end")
        }
    }

    private static func returnPath(_ message: MessageView) throws(FilterError) -> [UInt8]? {
        guard let first = try message.header(limit: 16_384).values("Return-Path").first,
            first.first == 0x3C, first.last == 0x3E
        else { return nil }
        return first
    }

    private static func withoutBrackets(_ address: [UInt8]) -> ArraySlice<UInt8> {
        guard address.count >= 2, address.first == 0x3C, address.last == 0x3E else {
            return address[...]
        }
        return address.dropFirst().dropLast()
    }
}

extension FilterError {
    fileprivate static var addressTooLong: FilterError {
        FilterError(.addressTooLong, "an address is over \(Mailbox.maximumLength) bytes long")
    }

    /// What is wrong with an envelope in the queue format.
    init(_ error: EnvelopeError) {
        switch error {
        case .cutShort: self.init(.cannotRead, "the envelope is cut short")
        case .malformed: self.init(.malformedEnvelope, "the envelope is malformed")
        case .addressTooLong:
            self = .addressTooLong
        }
    }
}
