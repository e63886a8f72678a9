// Mailbox+Quoted: an address as a header field has it.
// RFC 5322, sections 3.2.4 and 3.4.1.
// SPDX-License-Identifier: MIT

extension Mailbox {
    /// The address with its local-part as a quoted-string where it is no dot-atom. Control
    /// characters, which no field may hold, become `?`.
    public var quoted: [UInt8] {
        let clean = bytes.map { $0.isControl && $0 != 0x09 ? 0x3F : $0 }
        guard let at = clean.lastIndex(of: 0x40) else { return Mailbox.quoted(clean[...]) }
        return Mailbox.quoted(clean[..<at]) + clean[at...]
    }

    private static func quoted(_ localPart: ArraySlice<UInt8>) -> [UInt8] {
        let atoms = localPart.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard atoms.allSatisfy({ !$0.isEmpty && $0.allSatisfy(\.isAtomText) }) else {
            return [0x22]
                + localPart.flatMap { $0 == 0x22 || $0 == 0x5C ? [0x5C, $0] : [$0] } + [0x22]
        }
        return Array(localPart)
    }
}

extension UInt8 {
    /// True for what an atom may hold, UTF-8 among it (RFC 6532, section 3.2).
    public var isAtomText: Bool {
        self >= 0x80 || isASCIILetter || isASCIIDigit || UInt8.atomMarks.contains(self)
    }

    private static let atomMarks = Array("!#$%&'*+-/=?^_`{|}~".utf8)
}
