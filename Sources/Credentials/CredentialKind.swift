// CredentialKind: the kinds of sources, and how a line of control/auth names one.
// auth-sources(5).
// SPDX-License-Identifier: MIT

import Control
import MailModel
import UnixIO

/// What all sources of one process are told.
struct CredentialSettings: Sendable {
    let root: Root
    let secret: LoginSecret
}

/// One kind of source. A new kind is one value of this type and one file.
struct CredentialKind: Sendable {
    typealias Opening =
        @Sendable (inout CredentialLine, CredentialSettings) throws(ControlError) ->
        any PasswordSource

    /// The first word of a line.
    let name: String
    /// How such a line is written.
    let form: String
    /// The options `NAME=VALUE` that may follow the first word.
    let options: [String]
    /// Makes the source; reads what it can, so that a mistake is found at start.
    let open: Opening

    init(_ name: String, form: String, options: [String], open: @escaping Opening) {
        self.name = name
        self.form = form
        self.options = options
        self.open = open
    }

    /// All kinds.
    static let all: [CredentialKind] = [
        .users, .checkpassword, .vpopmail, .vmailmgr, .sqlite, .postgresql, .dovecot,
        .oauth, .certificate,
    ]

    /// The source of a line.
    static func open(
        _ line: ControlLine, _ settings: CredentialSettings
    ) throws(ControlError) -> any PasswordSource {
        var rest = CredentialLine(line, file: settings.root.control.file("auth"))
        let word = try rest.word() ?? ""
        guard let kind = all.first(where: { $0.name == word }) else {
            let near = Usage.nearest(to: word, among: all.map(\.name)).first
            let forms = all.map(\.form).joined(separator: ", ")
            throw rest.invalid(
                "no such kind of source; "
                    + (near.map { "did you mean \($0)?" } ?? "a line is one of \(forms)"))
        }
        try rest.readOptions(kind.options)
        return try kind.open(&rest, settings)
    }
}
