// Reading: bytes that are read as a message or a part, and the other ways to read them.
// RFC 5322, section 4; RFC 2045.
// SPDX-License-Identifier: MIT

import MailModel

/// Bytes for GMime, and how they came to be.
struct Reading {
    enum Kind {
        /// The message, or one that was in a part.
        case whole
        /// The same with other line ends, without NUL, or without blanks and empty lines at its top.
        case mended
        /// The same with other fields of a kind that is there twice.
        case variant
        /// A part that the second look found.
        case slice
    }

    /// Of a field that is there more often, nobody knows who reads which.
    static let mostFieldsOfAKind = 8

    let bytes: [UInt8]
    let kind: Kind
    let isMessage: Bool
    let depth: Int

    /// The bytes as programs read them that take CR alone for a line end and see no NUL; nil when
    /// there is nothing of either.
    var mended: Reading? {
        guard kind == .whole else { return nil }
        let top = bytes.prefix { $0.isBlank || $0 == 0x0A || $0 == 0x0D }.count
        guard top > 0 || hasLoneReturn || bytes.contains(0) else { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        var returns = false
        for byte in bytes[top...] where byte != 0 {
            // Several CR before one LF are one line end.
            if returns, byte != 0x0A, byte != 0x0D { output.append(0x0A) }
            returns = byte == 0x0D
            if !returns { output.append(byte) }
        }
        return Reading(bytes: output, kind: .mended, isMessage: isMessage, depth: depth)
    }

    private var hasLoneReturn: Bool {
        bytes.withUnsafeBufferPointer { bytes in
            var index = 0
            while index < bytes.count {
                if bytes[index] == 0x0D, index + 1 == bytes.count || bytes[index + 1] != 0x0A {
                    return true
                }
                index += 1
            }
            return false
        }
    }

    /// The readings of those who take not the last of several Content-Type fields, as GMime does,
    /// but the first, the second and so on: the fields behind it have another name there.
    func variants(_ entities: [Entity]) throws(StructureError) -> [Reading] {
        let doubled = entities.map { $0.offsets(of: "Content-Type") }.filter { $0.count > 1 }
        guard let most = doubled.map(\.count).max() else { return [] }
        guard most <= Reading.mostFieldsOfAKind else {
            throw .overLimit("a part has more than \(Reading.mostFieldsOfAKind) types")
        }
        return (0..<(most - 1)).compactMap { chosen in
            var masked = bytes
            var isOther = false
            for offset in doubled.flatMap({ $0.dropFirst(chosen + 1) })
            where masked.indices.contains(offset) && masked[offset].asciiLowercased == 0x63 {
                masked[offset] = 0x58
                isOther = true
            }
            return isOther
                ? Reading(bytes: masked, kind: .variant, isMessage: isMessage, depth: depth) : nil
        }
    }

    /// A part of these bytes with its header.
    func slice(_ range: Range<Int>) -> Reading {
        Reading(bytes: Array(bytes[range]), kind: .slice, isMessage: false, depth: depth + 1)
    }

    /// A part whose header lacks the empty line at its end.
    func mended(_ torn: (header: Range<Int>, rest: Range<Int>)) -> Reading {
        Reading(
            bytes: Array(bytes[torn.header]) + [0x0A] + Array(bytes[torn.rest]), kind: .slice,
            isMessage: false, depth: depth + 1)
    }
}
