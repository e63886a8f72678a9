// SourceParameters: PLACE?domains=...&timeout=...&query=..., where queries stand as they are.
// rcpt-validate(8), --source.
// SPDX-License-Identifier: MIT

import Control
public import Recipients

/// A place and what is said about it. Nothing is encoded: a value ends where `&` and another known
/// name with its `=` begin, and that of `query` at the end. So SQL may hold `?`, `&`, `=` and `%`.
public struct SourceParameters: Sendable {
    /// What is before the first `?`.
    public let place: String
    private var values: [String: [UInt8]] = [:]

    /// Reads the value of a source.
    /// - Parameters:
    ///   - spec: the source.
    ///   - names: the known names.
    ///   - last: the one among them that takes all of the rest.
    /// - Throws: `ControlError` for an unknown name, or one that is there twice or without a value.
    public init(
        _ spec: SourceSpec, names: [String], last: String? = nil
    ) throws(ControlError) {
        let text = Array(spec.value.utf8)
        let end = text.firstIndex(of: 0x3F) ?? text.endIndex
        place = String(decoding: text[..<end], as: UTF8.self)
        guard !place.isEmpty else { throw spec.invalid("nothing is before the ?") }
        var rest = text[end...].dropFirst()
        while !rest.isEmpty {
            let word = String(decoding: rest.prefix { $0 != 0x3D }, as: UTF8.self)
            guard names.contains(word), word.utf8.count < rest.count else {
                throw SourceParameters.unknown(word, names, spec)
            }
            let value = rest.dropFirst(word.utf8.count + 1)
            let length =
                word == last ? value.count : SourceParameters.length(of: value, names)
            guard length > 0 else { throw spec.invalid("\(word)= needs a value") }
            guard values.updateValue(Array(value.prefix(length)), forKey: word) == nil else {
                throw spec.invalid("\(word)= is given twice")
            }
            rest = value.dropFirst(length + 1)
        }
    }

    /// The value of a name; nil when it is not given.
    public subscript(name: String) -> [UInt8]? { values[name] }

    private static func length(of value: ArraySlice<UInt8>, _ names: [String]) -> Int {
        var length = 0
        while length < value.count {
            let rest = value.dropFirst(length)
            let ends = names.contains { rest.starts(with: "&\($0)=".utf8) }
            if ends { return length }
            length += 1
        }
        return length
    }

    private static func unknown(
        _ word: String, _ names: [String], _ spec: SourceSpec
    ) -> ControlError {
        // What is no name may be a piece of a value, and secret.
        let isName = word.utf8.count <= 20 && word.utf8.allSatisfy(\.isASCIILetter)
        let known = names.map { "\($0)=" }.joined(separator: ", ")
        guard isName, let near = Usage.nearest(to: word, among: names).first else {
            return spec.invalid("after the ? may be \(known)")
        }
        return spec.invalid("no parameter \(word)=; did you mean \(near)=?")
    }
}
