// FileName: a name of a file, as a mail reader or the system that opens it would read it.
// RFC 2047; RFC 2183, section 2.3; RFC 2231.
// SPDX-License-Identifier: MIT

import MailModel

/// The names that a field gives a file.
enum FileName {
    /// Every reading of the parameters of a field of these names, decoded.
    /// - Throws: `StructureError` when they are too many.
    static func all(
        _ value: Text.Value, _ field: [UInt8], _ parameters: [String]
    ) throws(StructureError) -> [[UInt8]] {
        let scan = ParameterScan(field)
        var found: [[UInt8]] = []
        for name in parameters {
            found += [value[name]].compactMap(\.self)
            found += try scan.values(of: name)
        }
        return found.uniqued.flatMap(readings)
    }

    /// What a name may be to somebody: as it is, with encoded words (which RFC 2047 forbids here,
    /// and everybody sends) and percent signs decoded, and without what nobody sees.
    static func readings(of name: [UInt8]) -> [[UInt8]] {
        var all = [name]
        for _ in 0..<2 {
            guard let last = all.last, last.firstRange(ofExactly: "=?") != nil else { break }
            let decoded = HeaderText.decoded(last)
            guard decoded != last else { break }
            all.append(decoded)
        }
        all += all.map(\.percentDecoded)
        // A NUL ends a name for programs in C and is nothing to others.
        all += all.filter { $0.contains(0) }.map { Array($0.prefix { $0 != 0 }) }
        all += all.map(plain)
        return all.filter { !$0.isEmpty }.uniqued
    }

    /// Without characters that are not seen or turn the direction of writing, with the wide forms
    /// of ASCII as ASCII, and without the dots and blanks at the end that Windows drops.
    private static func plain(_ name: [UInt8]) -> [UInt8] {
        var text = String.UnicodeScalarView()
        for scalar in String(decoding: name, as: UTF8.self).unicodeScalars {
            switch scalar.value {
            case 0..<0x20, 0x7F...0x9F, 0xAD, 0x200B...0x200F, 0x202A...0x202E, 0x2060...0x206F,
                0xFEFF:
                continue
            case 0xFF01...0xFF5E: text.append(Unicode.Scalar(scalar.value - 0xFEE0) ?? scalar)
            case 0x2024, 0xFE52: text.append(".")
            default: text.append(scalar)
            }
        }
        var bytes = Array(String(text).utf8)
        while let last = bytes.last, last == 0x2E || last.isBlank || last == 0x22 {
            bytes.removeLast()
        }
        return Array(bytes.drop { $0.isBlank || $0 == 0x22 })
    }
}
