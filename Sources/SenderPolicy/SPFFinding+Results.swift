// The result of a check for whoever reads mail after us.
// RFC 8601, sections 2.2 and 2.7.2.
// SPDX-License-Identifier: MIT

public import MailModel

extension SPFFinding {
    /// `Authentication-Results` of this check alone, with our authserv-id; `isOfHelo` where the
    /// domain came from HELO.
    public func results(identifier: [UInt8], isOfHelo: Bool) -> HeaderField? {
        var body = SPFFinding.parameter(identifier) + ";\n\tspf=\(result.rawValue)".utf8
        if let problem { body += "\n\treason=".utf8 + SPFFinding.quoted(Array(problem.utf8)) }
        if isLocal { body += " (local policy)".utf8 }
        body += "\n\tsmtp.\(isOfHelo ? "helo" : "mailfrom")=".utf8
        body += SPFFinding.parameter(question.domain)
        return HeaderField(Array(AuthenticationResults.name.utf8), body)
    }

    /// value of RFC 2045, section 5.1: a token, else a quoted-string.
    private static func parameter(_ value: [UInt8]) -> [UInt8] {
        let isToken =
            !value.isEmpty
            && value.allSatisfy { byte in
                (0x21...0x7E).contains(byte) && !"()<>@,;:\\\"/[]?=".utf8.contains(byte)
            }
        return isToken ? value : quoted(value)
    }

    private static func quoted(_ value: [UInt8]) -> [UInt8] {
        let visible = value.prefix(450).map { (0x20...0x7E).contains($0) ? $0 : 0x3F }
        return [0x22] + visible.flatMap { $0 == 0x22 || $0 == 0x5C ? [0x5C, $0] : [$0] } + [0x22]
    }
}

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
