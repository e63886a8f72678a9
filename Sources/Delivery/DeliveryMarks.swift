// DeliveryMarks: for whom a message was delivered before, by its Delivered-To fields.
// qmail-local(8).
// SPDX-License-Identifier: MIT

import UnixIO

/// The lines of a header that are `Delivered-To: ADDRESS`, byte for byte as we write them.
struct DeliveryMarks {
    /// More than a message that is not looping can have; a longer list is a loop for everybody.
    static let most = 1000
    /// Longer lines than any that we write.
    private static let longest = 2048
    private static let name = Array("Delivered-To: ".utf8)

    private var addresses: Set<[UInt8]> = []
    private var line: [UInt8] = []

    /// Reads the header of a message.
    /// - Throws: `SystemError`.
    init(_ message: MessageReader) throws(SystemError) {
        var message = message
        while !message.hasPassedHeader, let piece = try message.next() {
            for byte in piece {
                guard byte == 0x0A else {
                    if line.count < DeliveryMarks.longest { line.append(byte) }
                    continue
                }
                if line.isEmpty { return }
                endLine()
            }
        }
        endLine()
    }

    /// True when the message was delivered to an address before.
    func contains(_ address: [UInt8]) -> Bool {
        addresses.count >= DeliveryMarks.most || addresses.contains(address)
    }

    private mutating func endLine() {
        if line.starts(with: DeliveryMarks.name), addresses.count < DeliveryMarks.most {
            addresses.insert(Array(line.dropFirst(DeliveryMarks.name.count)))
        }
        line.removeAll(keepingCapacity: true)
    }
}
