// SenderLogins: which reverse-paths an authenticated user may use.
// smtp-server(8), file control/senderlogins.
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// The lines of `control/senderlogins`: a reverse-path, `@domain` or `<>`, and who may use it.
struct SenderLogins: Sendable {
    private var owners: [[UInt8]: Set<[UInt8]>] = [:]

    private static let name = "senderlogins"
    private static let everybody = Array("*".utf8)
    private static let null = Array("<>".utf8)

    /// Reads the file; nil when it is missing: then every user may use every reverse-path.
    /// - Throws: `ControlError` with the line.
    init?(_ control: ControlFolder) throws(ControlError) {
        guard let lines = try control.list(Self.name) else { return nil }
        for line in lines {
            let words = line.bytes.split(whereSeparator: { $0.isBlank || $0 == 0x2C })
            guard let first = words.first, words.count > 1 else {
                throw control.invalid(
                    Self.name, line.number, "a line is REVERSE-PATH LOGIN[,LOGIN ...]")
            }
            guard first.elementsEqual(Self.null) || first.contains(0x40) else {
                throw control.invalid(
                    Self.name, line.number, "not an address, @domain or <>: \(first.printable)")
            }
            let logins = words.dropFirst().map { $0.asciiLowercased }
            owners[first.asciiLowercased, default: []].formUnion(logins)
        }
    }

    /// Whether a user may use a reverse-path. The line of the address decides, then that of its
    /// domain; without one a user may use the address that the login is. The null reverse-path is
    /// for reports such as RFC 8098's, and everybody's where there is no line for it. Case does not
    /// count.
    func admits(_ path: ReversePath, _ user: [UInt8]) -> Bool {
        let user = user.asciiLowercased
        guard let mailbox = path.mailbox else {
            return owners[Self.null].map { has($0, user) } ?? true
        }
        let address = mailbox.bytes.asciiLowercased
        if let known = owners[address] { return has(known, user) }
        if let domain = mailbox.domain, let known = owners[[0x40] + domain.asciiLowercased] {
            return has(known, user)
        }
        return user == address
    }

    private func has(_ owners: Set<[UInt8]>, _ user: [UInt8]) -> Bool {
        owners.contains(user) || owners.contains(Self.everybody)
    }
}
