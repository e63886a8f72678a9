// XText: how ENVID, ORCPT and AUTH= carry bytes that a parameter's value may not hold.
// RFC 3461, section 4.
// SPDX-License-Identifier: MIT

/// `xtext`: printable ASCII as it is, but for `+`, `=` and the space; any other byte as `+` and two
/// hexadecimal capitals.
public enum XText {
    /// The bytes that this stands for; nil when it is no xtext.
    public static func decoded(_ text: some Collection<UInt8>) -> [UInt8]? {
        var rest = Array(text)[...]
        var bytes: [UInt8] = []
        bytes.reserveCapacity(rest.count)
        while let byte = rest.popFirst() {
            if byte == 0x2B {
                guard let high = rest.popFirst().flatMap(digit),
                    let low = rest.popFirst().flatMap(digit)
                else { return nil }
                bytes.append(high << 4 | low)
            } else {
                guard isPlain(byte) else { return nil }
                bytes.append(byte)
            }
        }
        return bytes
    }

    /// These bytes as xtext.
    public static func encoded(_ bytes: some Collection<UInt8>) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        for byte in bytes {
            if isPlain(byte) {
                text.append(byte)
            } else {
                text += [0x2B, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return text
    }

    /// `xchar`: what stands for itself.
    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x21...0x7E).contains(byte) && byte != 0x2B && byte != 0x3D
    }

    /// A `hexchar` has capitals only.
    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        default: nil
        }
    }
}

extension Collection where Element == UInt8 {
    /// True for printable ASCII, space included: all that RFC 3461 allows in what xtext stands for.
    var isPrintableASCII: Bool { allSatisfy { (0x20...0x7E).contains($0) } }
}
