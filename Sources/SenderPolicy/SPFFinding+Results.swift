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
