// AliasValue: one thing that an alias stands for.
// aliases(5).
// SPDX-License-Identifier: MIT

import MailModel

/// One value of a line of an aliases file.
enum AliasValue: Hashable, Sendable {
    /// A name of this host, or an address. It may be an alias itself.
    case address([UInt8])
    /// `\name`: the user of this name, whatever alias has it too.
    case user([UInt8])
    /// `/path`: an mbox.
    case mbox(String)
    /// `/path/`: a Maildir, without the slash.
    case maildir(String)
    /// `|command`, for the shell.
    case program([UInt8])
    /// `:include:/path`: what is listed there.
    case include(String)
    /// `/dev/null`.
    case drop

    /// The value in a database, without a line end.
    var text: [UInt8] {
        switch self {
        case .address(let address): [0x40] + address
        case .user(let name): [0x5C] + name
        case .mbox(let path): Array(path.utf8)
        case .maildir(let path): Array("\(path)/".utf8)
        case .program(let command): [0x7C] + command
        case .include(let path): Array(":\(path)".utf8)
        case .drop: Array("/dev/null".utf8)
        }
    }

    /// Reads what `text` wrote; nil for anything else.
    init?(_ text: some Collection<UInt8>) {
        guard let first = text.first else { return nil }
        let rest = Array(text.dropFirst())
        switch first {
        case 0x40 where !rest.isEmpty: self = .address(rest)
        case 0x5C where !rest.isEmpty: self = .user(rest)
        case 0x7C where !rest.isEmpty: self = .program(rest)
        case 0x3A:
            guard let path = String(validating: rest, as: UTF8.self) else { return nil }
            self = .include(path)
        case 0x2F:
            guard let value = AliasValue(path: text) else { return nil }
            self = value
        default: return nil
        }
    }

    /// What a path is; nil when it is no text or names no file.
    init?(path: some Collection<UInt8>) {
        guard var path = String(validating: path, as: UTF8.self) else { return nil }
        guard path != "/dev/null" else {
            self = .drop
            return
        }
        let isFolder = path.hasSuffix("/")
        while path.hasSuffix("/") { path.removeLast() }
        guard !path.isEmpty else { return nil }
        self = isFolder ? .maildir(path) : .mbox(path)
    }

    /// The values of a record.
    static func values(_ record: [UInt8]) -> [AliasValue]? {
        let parts = record.split(separator: 0x0A)
        let values = parts.compactMap { AliasValue($0) }
        return values.count == parts.count && !values.isEmpty ? values : nil
    }

    /// The record of values.
    static func record(_ values: [AliasValue]) -> [UInt8] {
        Array(values.map(\.text).joined(separator: [0x0A]))
    }
}
