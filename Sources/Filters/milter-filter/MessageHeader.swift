// MessageHeader: the fields of a message, and where its body begins.
// RFC 5322, section 2.2; cleanup_message.c of Postfix.
// SPDX-License-Identifier: MIT

import FilterKit
import MailModel
import MilterProtocol

/// A header as milters are shown it. It ends at the empty line, or before the first line that is
/// no field, which is body then, as Postfix has it. `From ` lines of an mbox on top are not shown.
struct MessageHeader {
    private(set) var fields: [MilterHeader.Field] = []
    /// Where the header ends.
    private(set) var end = 0
    /// Where the body begins, after the empty line.
    private(set) var bodyStart = 0
    /// True where the last line of the header has its end.
    let isEnded: Bool
    /// True where an empty line ends the header.
    var hasEmptyLine: Bool { bodyStart > end }
    /// True where all lines up to the empty line are fields, or there is no body.
    private(set) var isPlain = true

    /// Reads the header.
    /// - Throws: `MilterStop.known` when it cannot be read or is over `MessageView.headerLimit`.
    init(_ request: borrowing Request) throws(MilterStop) {
        do throws(FilterError) {
            let header = try request.message.header()
            guard header.isWhole else {
                throw FilterError(.defer, "the header has more than 1 MiB")
            }
            let bytes = header.bytes
            isEnded = bytes.isEmpty || bytes.last == 0x0A
            var starts = MessageHeader.starts(header)
            starts.append(bytes.count)
            for (index, field) in header.fields.enumerated() {
                let range = starts[index]..<starts[index + 1]
                guard !field.name.isEmpty else {
                    if fields.isEmpty, MessageHeader.isMailboxLine(field.line) { continue }
                    isPlain = false
                    (end, bodyStart) = (range.lowerBound, range.lowerBound)
                    return
                }
                fields.append(MessageHeader.field(field, range))
            }
            end = bytes.count
            let next = try request.message.beginning(limit: end + 2).bytes.dropFirst(end)
            let emptyLine = next.first == 0x0D ? 2 : 1
            bodyStart = end + min(emptyLine, next.count)
        } catch {
            throw .known(error)
        }
    }

    private static func starts(_ header: Header) -> [Int] {
        header.fields.map(\.line.startIndex)
    }

    private static func isMailboxLine(_ line: ArraySlice<UInt8>) -> Bool {
        line.starts(with: Array("From ".utf8)) || line.starts(with: Array(">From ".utf8))
    }

    private static func field(_ field: Header.Field, _ range: Range<Int>) -> MilterHeader.Field {
        let colon = field.line.firstIndex(of: 0x3A) ?? field.line.startIndex
        var value: [UInt8] = []
        for byte in field.line[(colon + 1)...] {
            // A fold that ends with CRLF.
            if byte == 0x0A, value.last == 0x0D { value.removeLast() }
            value.append(byte)
        }
        return MilterHeader.Field(name: Array(field.name), value: value, range: range)
    }
}
