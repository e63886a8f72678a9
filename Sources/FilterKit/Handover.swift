// Handover: descriptors 0 and those of the envelope, for the program that takes our place.
// qmail-queue(8); filter-protocol(7).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import SystemPackage
import UnixIO

/// Puts message and envelope where the next program looks for them.
enum Handover {
    /// Puts the message on descriptor 0: as it came where it is a file and nothing changed.
    static func message(_ message: MessageView) throws(FilterError) {
        if case .file(let file, _, _) = message.base, file.rawValue == 0, !message.isEdited {
            return
        }
        guard !message.isEdited else {
            let file = try message.copy()
            return try place(file, on: 0)
        }
        let base = try message.baseDescriptor()
        try place(base.descriptor, on: 0)
    }

    /// Puts the envelope on a descriptor; a file that did not change is there still, at the
    /// offset it had.
    static func envelope(
        _ envelope: [UInt8], on number: Int32, isUnchanged: Bool
    ) throws(FilterError) {
        let file = try system(otherwise: .cannotWrite) { () throws(SystemError) in
            if isUnchanged, try MessageInput.extent(of: Descriptor(rawValue: number)) != nil {
                return OwnedDescriptor?.none
            }
            let file = try Files.inMemory("envelope")
            try file.borrowed.writeAll(envelope, "envelope")
            return file
        }
        if let file { try place(file, on: number) }
    }

    /// Opens a file anew, read-only and at its beginning, under this number.
    private static func place(
        _ file: borrowing OwnedDescriptor, on number: Int32
    ) throws(FilterError) {
        do throws(SystemError) {
            let reading = try file.reopenedForReading()
            _ = try retrying("dup2", "descriptor \(number)") { dup2(reading.number, number) }
        } catch {
            throw FilterError(error, otherwise: .cannotWrite)
        }
    }
}
