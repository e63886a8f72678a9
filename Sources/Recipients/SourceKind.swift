// SourceKind: the kinds of sources, and how one is named.
// rcpt-validate(8), --source; recipient-sources(5).
// SPDX-License-Identifier: MIT

public import Control

/// A source as it is named: `KIND:VALUE`.
public struct SourceSpec: Hashable, Sendable {
    /// The word before the first colon.
    public let kind: String
    /// What follows it, never empty. It may hold a password: it belongs in no log.
    public let value: String

    /// Reads a name.
    /// - Throws: `ControlError` when it is no name of a source, or of a kind that is not among
    ///   those given; a mistyped kind is answered with the one that was meant.
    public init(_ text: String, kinds: [SourceKind]) throws(ControlError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        kind = String(parts.first ?? "")
        value = parts.count == 2 ? String(parts[1]) : ""
        guard let known = kinds.first(where: { [kind] in $0.name == kind }) else {
            let names = kinds.map(\.name)
            let near = Usage.nearest(to: kind, among: names)
            let forms = kinds.map(\.form).joined(separator: ", ")
            let hint = near.isEmpty ? "a source is one of \(forms)" : "did you mean \(near[0]):?"
            // A path without a kind is shown, what follows a colon may hold a password.
            let shown = parts.count == 2 ? "\(kind):" : kind
            throw .invalid(file: "source \(shown)", line: nil, reason: "no such kind; \(hint)")
        }
        guard !value.isEmpty else { throw invalid("it is written \(known.form)") }
    }

    /// The value divided into what is before the first `?` and the parameters after it,
    /// `NAME=VALUE` divided by `&`.
    /// - Throws: `ControlError` for a parameter that is not among the known ones or is there twice.
    public func parameters(
        _ known: [String]
    ) throws(ControlError) -> (path: String, values: [String: String]) {
        let parts = value.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let path = parts.first, !path.isEmpty else { throw invalid("the path is missing") }
        var values: [String: String] = [:]
        for parameter in parts.count == 2 ? parts[1].split(separator: "&") : [] {
            let words = parameter.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(words.first ?? "")
            guard known.contains(name) else {
                let near = Usage.nearest(to: name, among: known)
                let hint = near.isEmpty ? known.joined(separator: ", ") : near[0]
                throw invalid("no parameter \(name): did you mean \(hint)?")
            }
            guard words.count == 2, !words[1].isEmpty else {
                throw invalid("\(name) needs a value")
            }
            guard values.updateValue(String(words[1]), forKey: name) == nil else {
                throw invalid("\(name) was given twice")
            }
        }
        return (String(path), values)
    }

    /// An error about this name, without its value.
    public func invalid(_ reason: String) -> ControlError {
        .invalid(file: "source \(kind):", line: nil, reason: reason)
    }
}

/// One kind of source. A new kind is one value of this type and one file.
///
/// Kinds whose libraries not everybody shall link live in modules of their own, beside this one:
/// such a module has a type that conforms to `RecipientSource` and a `public static let` of its kind
/// in an extension of this type. The executable that links it passes it on:
/// `RecipientSources(names, settings, kinds: SourceKind.files + [.sqlite])`. What a
/// `SourceSpec` is of is known before anything is opened, so an executable can hand over to its
/// heavier twin first.
public struct SourceKind: Sendable {
    /// The word before the colon.
    public let name: String
    /// How a source of this kind is written, such as `file:PATH`.
    public let form: String
    /// Makes the source; what it throws is a configuration error (exit 55).
    let open: @Sendable (SourceSpec, SourceSettings) throws(ControlError) -> any RecipientSource

    /// A kind.
    /// - Parameters:
    ///   - name: the word before the colon.
    ///   - form: how it is written, for messages.
    ///   - open: makes a source; reads what it can, so that a mistake is found at start.
    public init(
        _ name: String, form: String,
        open:
            @escaping @Sendable (SourceSpec, SourceSettings) throws(ControlError) ->
            any RecipientSource
    ) {
        self.name = name
        self.form = form
        self.open = open
    }

    /// The kinds that read files, which need no library.
    public static let files: [SourceKind] = [.file, .cdb, .qmail, .vpopmail, .vmailmgr]
}
