// InternationalText: which characters beyond ASCII a mailbox may hold.
// RFC 6531, section 3.3; RFC 6532, section 3.1; RFC 5198, section 2; RFC 5890, section 2.3.2.1.
// SPDX-License-Identifier: MIT

/// The characters of `UTF8-non-ascii`, without those that no text may hold.
enum InternationalText {
    /// True for a character of a local-part: no C1 control, no line or paragraph separator, and no
    /// noncharacter, none of which is ever for interchange.
    static func isText(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x80...0x9F, 0x2028, 0x2029, 0xFDD0...0xFDEF: false
        default: scalar & 0xFFFE != 0xFFFE
        }
    }

    /// True for a character of a U-label as far as that can be said without the tables of IDNA: no
    /// blank, nothing that is looked at as a dot, and nothing that is not seen at all, since all of
    /// these are disallowed there and would make one domain look like another.
    static func isLabelText(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0xA0, 0xAD, 0x1680, 0x180E, 0x2000...0x200B, 0x200E...0x206F, 0x3000, 0xFEFF: false
        case 0x3002, 0xFE52, 0xFF0E, 0xFF61, 0xFFF0...0xFFFD, 0xE0000...0xE0FFF: false
        default: isText(scalar)
        }
    }

    /// A U-label has no two hyphens in third and fourth place (RFC 5891, section 4.2.3.1), and the
    /// label of the DNS that it stands for has no more than 63 bytes, of which `xn--` is four and
    /// each character one at least.
    static func check(_ label: ArraySlice<UInt8>) throws(PathError) {
        let scalars = String(decoding: label, as: UTF8.self).unicodeScalars
        guard scalars.count <= 59 else { throw .tooLong }
        guard !scalars.dropFirst(2).starts(with: "--".unicodeScalars) else { throw .syntax }
    }
}
