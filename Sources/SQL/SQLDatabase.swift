// SQLDatabase: what a database is to those who look one row up in it.
// rcpt-validate(8), section SQL.
// SPDX-License-Identifier: MIT

public import UnixIO

/// Queries that were named beforehand, by their number, and one row at most as the answer.
public protocol SQLDatabase: AnyObject {
    /// The first row of a query's result; nil when it has none.
    /// - Throws: `SQLError`; the deadline bounds everything, a connection that must be made too.
    func row(
        _ query: Int, for address: SQLAddress, deadline: Deadline
    ) throws(SQLError) -> SQLRow?
}

/// Why there is no answer. None of these says anything of a row.
public enum SQLError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The query, or what says where the database is, cannot be right.
    case invalid(String)
    /// The database cannot be reached, is locked, or has an error of its own.
    case unavailable(String)
    /// The time was over.
    case timedOut(String)

    /// A text for logs, perhaps with the database's own words.
    public var description: String {
        switch self {
        case .invalid(let text), .unavailable(let text): text
        case .timedOut(let text): "\(text): no answer in time"
        }
    }
}

/// What can be put into a query, in the order of their numbers: `?1` or `$1` is the first.
public enum SQLParameter: Int, CaseIterable, Sendable {
    /// `:local`, everything before the last `@`.
    case local = 1
    /// `:domain`, everything after it.
    case domain
    /// `:address`, the whole.
    case address

    /// The name with its colon.
    public var name: String {
        switch self {
        case .local: ":local"
        case .domain: ":domain"
        case .address: ":address"
        }
    }

    /// The parameter of a name with its colon; nil for any other.
    public init?(name: some StringProtocol) {
        guard let found = SQLParameter.allCases.first(where: { $0.name == name }) else {
            return nil
        }
        self = found
    }

    /// The names for a message.
    public static var names: String { allCases.map(\.name).joined(separator: ", ") }
}

/// An address in the parts that queries take.
public struct SQLAddress: Hashable, Sendable {
    /// Everything before the last `@`.
    public let local: [UInt8]
    /// Everything after it.
    public let domain: [UInt8]
    /// The whole.
    public let address: [UInt8]

    /// Takes a local-part and a domain.
    public init(local: some Collection<UInt8>, domain: some Collection<UInt8>) {
        self.local = Array(local)
        self.domain = Array(domain)
        address = self.local + [0x40] + self.domain
    }

    /// Takes a login, which need not be an address: `:address` is the whole of it, and without `@`
    /// all of it is the local-part.
    public init(login: [UInt8]) {
        let at = login.lastIndex(of: 0x40) ?? login.endIndex
        local = Array(login[..<at])
        domain = Array(login[at...].dropFirst())
        address = login
    }

    /// The value of a parameter.
    public subscript(parameter: SQLParameter) -> [UInt8] {
        switch parameter {
        case .local: local
        case .domain: domain
        case .address: address
        }
    }
}

/// One value of a row.
public enum SQLValue: Hashable, Sendable {
    /// NULL.
    case null
    /// A number or a truth value, as text.
    case number([UInt8], isZero: Bool)
    /// Any other value, as text.
    case text([UInt8])

    /// The text; nil for NULL.
    public var bytes: [UInt8]? {
        switch self {
        case .null: nil
        case .number(let bytes, _), .text(let bytes): bytes
        }
    }
}

/// A row with the names of its columns.
public struct SQLRow: Hashable, Sendable {
    /// The columns in order; at least one.
    public let columns: [(name: String, value: SQLValue)]

    /// A row of these columns.
    public init(_ columns: [(name: String, value: SQLValue)]) { self.columns = columns }

    /// The value of the first column of a name, without regard to case.
    public subscript(name: String) -> SQLValue? {
        columns.first { $0.name.lowercased() == name }?.value
    }

    /// Compares names and values in order.
    public static func == (one: SQLRow, other: SQLRow) -> Bool {
        one.columns.elementsEqual(other.columns) { $0.name == $1.name && $0.value == $1.value }
    }

    /// Hashes names and values in order.
    public func hash(into hasher: inout Hasher) {
        for column in columns {
            hasher.combine(column.name)
            hasher.combine(column.value)
        }
    }
}
