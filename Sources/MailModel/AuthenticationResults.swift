// AuthenticationResults: whose word a field of that name claims to be.
// RFC 8601, section 2.2.
// SPDX-License-Identifier: MIT

/// Fields that say what a mail server found out about a message.
public enum AuthenticationResults {
    /// The field's name.
    public static let name = "Authentication-Results"

    /// True when the body of a field claims to be of this server: what it says first, after
    /// comments, is the server's id, as a token or a quoted-string.
    public static func claims(_ body: [UInt8], identifier: [UInt8]) -> Bool {
        var rest = body[...]
        skipComments(&rest)
        var found: [UInt8] = []
        if rest.first == 0x22 {
            rest = rest.dropFirst()
            while let byte = rest.popFirst(), byte != 0x22 {
                if byte == 0x5C, let next = rest.popFirst() {
                    found.append(next)
                } else {
                    found.append(byte)
                }
            }
        } else {
            found = Array(rest.prefix { $0 > 0x20 && $0 != 0x3B && $0 != 0x28 })
        }
        return found.equalsIgnoringASCIICase(identifier)
    }

    /// True when so much of a body has the whole id, and the semicolon after it.
    static func names(in body: [UInt8]) -> Bool {
        var rest = body[...]
        skipComments(&rest)
        return rest.contains(0x3B)
    }

    /// CFWS of RFC 5322, section 3.2.2. A comment without an end goes on to the end of the field.
    private static func skipComments(_ rest: inout ArraySlice<UInt8>) {
        var depth = 0
        while let byte = rest.first {
            switch byte {
            case 0x28: depth += 1
            case 0x29 where depth > 0: depth -= 1
            case 0x5C where depth > 0: rest = rest.dropFirst()
            case 0x20, 0x09, 0x0A, 0x0D: break
            default: if depth == 0 { return }
            }
            rest = rest.dropFirst()
        }
    }
}
