// MailStart: how a message begins, for a scanner that guesses types from first bytes.
// RFC 5322, section 2.2.
// SPDX-License-Identifier: MIT

/// ClamAV guesses from the first bytes whether something is mail, and guesses wrong when the
/// sender wishes: a field named `MZ` makes a message a program for Windows. So our own field goes
/// before it, and what does not begin with a field is also scanned as the file that it may be.
public enum MailStart {
    /// The field that goes before every message.
    public static let field = Array("Received: from chainmail by chainmail;\n".utf8)

    /// How many bytes `isField` looks at.
    public static let length = 128

    /// True when bytes begin with a field name and a colon.
    public static func isField(_ bytes: some Collection<UInt8>) -> Bool {
        let name = bytes.prefix { (0x21...0x7E).contains($0) && $0 != 0x3A }
        return !name.isEmpty && bytes.dropFirst(name.count).first == 0x3A
    }
}
