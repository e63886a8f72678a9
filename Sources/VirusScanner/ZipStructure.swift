// ZipStructure: can libclamav open all of a zip archive?
// APPNOTE.TXT of PKWARE, sections 4.3.7, 4.3.12 and 4.3.16; cli_unzip, unzip.c.
// SPDX-License-Identifier: MIT

/// A zip archive says everything twice: before each file, and in a list at the end. libclamav finds
/// files by the list and believes what is before them; most other programs believe the list. Where
/// the two differ, they see other files than libclamav does, which calls the archive clean.
struct ZipStructure {
    /// Stored, imploded, deflated, deflated with 64 KiB, by bzip2.
    private static let methods: Set<Int> = [0, 6, 8, 9, 12]

    private let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Why libclamav cannot look into all of it; nil when it can.
    var trouble: String? {
        guard let end else { return "damaged archive" }
        let files = number(end + 10, 2)
        guard files > 0 else { return nil }
        var position = number(end + 16, 4)
        guard holds([0x50, 0x4B, 0x01, 0x02], at: position, length: 46) else {
            return "damaged archive"
        }
        // As many as there are: a count that lies, or has no room for its number, hides nothing.
        while holds([0x50, 0x4B, 0x01, 0x02], at: position, length: 46) {
            if let trouble = trouble(ofEntry: position) { return trouble }
            position += 46 + [28, 30, 32].reduce(0) { $0 + number(position + $1, 2) }
        }
        return nil
    }

    /// One file: its entry in the list, and what is before it.
    private func trouble(ofEntry entry: Int) -> String? {
        let file = number(entry + 42, 4)
        let isPlain = number(entry + 8, 2) & 1 == 0
        guard holds([0x50, 0x4B, 0x03, 0x04], at: file, length: 30) else {
            return "damaged archive"
        }
        let method = number(entry + 10, 2)
        // What is encrypted libclamav reports.
        if isPlain, !ZipStructure.methods.contains(method) { return "archive method" }
        let size = number(entry + 20, 4)
        // Bit 3: the size comes after the file, and libclamav believes the list too.
        let isLater = number(file + 6, 2) & 8 != 0
        let isWhole =
            number(file + 8, 2) == method && number(file + 26, 2) == number(entry + 28, 2)
            && (isLater || number(file + 18, 4) == size)
        return isWhole ? nil : "damaged archive"
    }

    /// Where the end of the list is: 22 bytes and a comment of at most 65,535 before the end.
    private var end: Int? {
        var position = bytes.count - 22
        let first = max(0, position - 65_535)
        while position >= first {
            if holds([0x50, 0x4B, 0x05, 0x06], at: position, length: 22) { return position }
            position -= 1
        }
        return nil
    }

    /// True when a record of this length begins here with these bytes.
    private func holds(_ mark: [UInt8], at position: Int, length: Int) -> Bool {
        position >= 0 && position <= bytes.count - length && bytes[position] == mark[0]
            && bytes[position..<(position + mark.count)].elementsEqual(mark)
    }

    /// A number of a record that was found to be there, the lowest byte first.
    private func number(_ position: Int, _ count: Int) -> Int {
        (0..<count).reversed().reduce(0) { $0 << 8 | Int(bytes[position + $1]) }
    }
}
