// SQLSource: mailboxes in the tables of a database.
// rcpt-validate(8), section SQL.
// SPDX-License-Identifier: MIT

public import Control
public import MailModel
public import Recipients
public import SQL
import UnixIO

/// Asks a query for each mailbox, and another one whether a domain is the source's.
public struct SQLSource: RecipientSource {
    /// The names of the parameters of every kind of database.
    public static let parameters = ["domains", "timeout", "query"]

    /// What makes a query's number of its text.
    public typealias Adding = (_ query: [UInt8]) throws(SQLError) -> Int

    /// Kind and place.
    public let label: String
    private let database: any SQLDatabase
    private let query: Int
    private let domainQuery: Int?
    private let domains: KnownDomains
    private let timeout: Duration
    private let settings: SourceSettings

    /// A source of a database and the parameters that were given for it.
    /// - Throws: `ControlError` for what is wrong and can be known now.
    public init(
        _ label: String, _ database: any SQLDatabase, _ parameters: SourceParameters,
        _ settings: SourceSettings, timeout: Duration, add: Adding
    ) throws(ControlError) {
        self.label = label
        self.database = database
        self.settings = settings
        self.timeout = timeout
        guard let number = try SQLSource.number("query", parameters, label, add) else {
            throw .invalid(file: label, line: nil, reason: "?query=SQL is missing")
        }
        query = number
        domainQuery = try SQLSource.number("domains", parameters, label, add)
        domains = try KnownDomains(settings.root.control)
    }

    private static func number(
        _ name: String, _ parameters: SourceParameters, _ label: String, _ add: Adding
    ) throws(ControlError) -> Int? {
        guard let text = parameters[name] else { return nil }
        do throws(SQLError) {
            return try add(text)
        } catch {
            throw .invalid(file: label, line: nil, reason: "\(name)=: \(error)")
        }
    }

    /// Asks whether the domain is known, then for the mailbox and what it may be an extension of.
    public mutating func find(
        _ mailbox: Mailbox, _ trail: inout SourceTrail
    ) throws(SourceError) -> Presence {
        guard let domain = mailbox.domain?.asciiLowercased else { return .unknownDomain }
        let deadline = Deadline.after(timeout)
        guard try knows(domain, mailbox, deadline, &trail) else { return .unknownDomain }
        for candidate in settings.candidates(of: mailbox) {
            let presence = try ask(candidate, domain, deadline, &trail)
            if presence != .noSuchMailbox { return presence }
        }
        return .noSuchMailbox
    }

    private func knows(
        _ domain: [UInt8], _ mailbox: Mailbox, _ deadline: Deadline, _ trail: inout SourceTrail
    ) throws(SourceError) -> Bool {
        guard let domainQuery else {
            do throws(ControlError) {
                return try domains.contains(domain)
            } catch {
                throw .unusable(error)
            }
        }
        let address = SQLAddress(local: mailbox.localPart.asciiLowercased, domain: domain)
        // A domain that is no UTF-8 is none, whatever the local-part is.
        guard SQLSource.isText(domain) else { return false }
        let asked =
            SQLSource.isText(address.address) ? address : SQLAddress(local: [], domain: domain)
        let row = try row(domainQuery, asked, deadline)
        trail.note("domains= \(domain.printable): \(SQLSource.words(row))")
        return row.map { !$0.isNothing } ?? false
    }

    private func ask(
        _ mailbox: Mailbox, _ domain: [UInt8], _ deadline: Deadline, _ trail: inout SourceTrail
    ) throws(SourceError) -> Presence {
        let address = SQLAddress(local: mailbox.localPart.asciiLowercased, domain: domain)
        // RFC 6531, section 3.3: an address is UTF-8. What is not cannot be in a database of text.
        guard SQLSource.isText(address.address) else {
            trail.note("query= \(mailbox): not UTF-8, so in no table")
            return .noSuchMailbox
        }
        let row = try row(query, address, deadline)
        trail.note("query= \(address.address.printable): \(SQLSource.words(row))")
        guard let row else { return .noSuchMailbox }
        guard let status = row["status"] else {
            return row.isNothing ? .noSuchMailbox : .exists(.elsewhere)
        }
        return try presence(status)
    }

    private func presence(_ status: SQLValue) throws(SourceError) -> Presence {
        switch status.bytes.map({ String(decoding: $0, as: UTF8.self) }) {
        case "ok": return .exists(.elsewhere)
        case "over-quota":
            return settings.examinesQuota ? .overQuota(.elsewhere) : .exists(.elsewhere)
        case "disabled": return .refused
        case "missing": return .noSuchMailbox
        case "unknown-domain": return .unknownDomain
        case let word:
            throw .unreachable(
                source: label,
                reason: "status is \(word ?? "NULL"), not one of ok, over-quota, disabled, missing,"
                    + " unknown-domain")
        }
    }

    private func row(
        _ query: Int, _ address: SQLAddress, _ deadline: Deadline
    ) throws(SourceError) -> SQLRow? {
        do throws(SQLError) {
            return try database.row(query, for: address, deadline: deadline)
        } catch {
            throw .unreachable(source: label, reason: "\(error)")
        }
    }

    private static func isText(_ bytes: [UInt8]) -> Bool {
        String(validating: bytes, as: UTF8.self) != nil
    }

    /// A row for people: the status, else the first column.
    private static func words(_ row: SQLRow?) -> String {
        guard let row, let first = row.columns.first else { return "no row" }
        let column = row["status"].map { ("status", $0) } ?? (first.name, first.value)
        return "\(column.0)=\(column.1.bytes.map { $0.prefix(200).printable } ?? "NULL")"
    }
}

extension SQLRow {
    /// True for a row that `count(*)`, `exists()` or a nested query gives for nothing: NULL, false
    /// or 0 in its first column.
    var isNothing: Bool {
        switch columns.first?.value {
        case nil, .null?, .number(_, isZero: true)?: true
        case .number?, .text?: false
        }
    }
}
