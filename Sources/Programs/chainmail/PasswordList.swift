// PasswordList: logins and passwords, one a line.
// chainmail(1), user add and mailboxes add.
// SPDX-License-Identifier: MIT

import Accounts
import Control
import MailModel
import Recipients

/// The lines `LOGIN PASSWORD` of a list. A blank divides them; a password may hold more of those. Where
/// the list has quotas, a last word `quota=QUOTA` is none of the password.
struct PasswordList {
    struct Entry: Sendable {
        let number: Int
        let login: [UInt8]
        let password: [UInt8]
        let quota: [UInt8]?
    }

    private static let quotaWord = Array("quota=".utf8)
    private(set) var lines: [Entry] = []

    /// - Throws: `Failure.data` with file and line for a login that is none or is there twice, and a
    ///   quota that is none.
    init(_ bytes: [UInt8], _ file: String, haveQuotas: Bool) throws {
        var first: [[UInt8]: Int] = [:]
        let all = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        for (index, line) in all.enumerated() {
            let line = line.last == 0x0D ? line.dropLast() : line
            guard let start = line.first, start != 0x23 else { continue }
            let entry = try PasswordList.entry(line, index + 1, file, haveQuotas)
            if let other = first.updateValue(index + 1, forKey: entry.login) {
                throw Failure.data(
                    "\(file):\(index + 1): \(entry.login.printable) is in line \(other) already")
            }
            lines.append(entry)
        }
    }

    private static func entry(
        _ line: ArraySlice<UInt8>, _ number: Int, _ file: String, _ haveQuotas: Bool
    ) throws -> Entry {
        let place = "\(file):\(number)"
        guard let end = line.firstIndex(where: \.isBlank) else {
            throw Failure.data("\(place): not LOGIN PASSWORD")
        }
        guard let login = try? UserLine.login(line[..<end]) else {
            throw Failure.data("\(place): no login")
        }
        var password = line[(end + 1)...]
        var quota: [UInt8]?
        if haveQuotas, let last = password.lastIndex(where: \.isBlank),
            password[(last + 1)...].starts(with: quotaWord)
        {
            quota = try checked(password[(last + 1 + quotaWord.count)...], place)
            password = password[..<last]
        }
        return Entry(number: number, login: login, password: Array(password), quota: quota)
    }

    /// A quota as it was given.
    static func checked(_ text: some Collection<UInt8>, _ place: String) throws -> [UInt8] {
        guard MailboxQuota(exactly: text) != nil else {
            throw Failure.data(
                "\(place): not a quota such as 10MB or 1000000S,1000C: \(text.printable)")
        }
        return Array(text)
    }
}
