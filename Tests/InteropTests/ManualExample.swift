// ManualExample: the lines of a manual that an administrator would paste.
// mdoc(7).
// SPDX-License-Identifier: MIT

import TestSupport
import UnixIO

/// What stands between `.Bd -literal` and `.Ed`.
enum ManualExample {
    /// The display of a page that holds these words, as a reader sees it, with other words in the
    /// place of some.
    /// - Throws: `TestFailure` when there is none, or when it lacks a word that was to be replaced.
    static func text(
        _ page: String, holding words: String, replacing other: [String: String] = [:]
    ) throws -> String {
        let source = try Files.contents(of: "\(repository)/man/\(page)")
        var display: [String] = []
        var isInside = false
        for line in String(decoding: source, as: UTF8.self).split(
            separator: "\n", omittingEmptySubsequences: false)
        {
            if line.hasPrefix(".Bd -literal") {
                (display, isInside) = ([], true)
            } else if line.hasPrefix(".Ed") {
                isInside = false
                if display.contains(where: { $0.contains(words) }) { break }
                display = []
            } else if isInside {
                display.append(String(line).replacing("\\e", with: "\\"))
            }
        }
        guard !display.isEmpty else { throw TestFailure("\(page) has no example with \(words)") }
        var text = display.map { "\($0)\n" }.joined()
        for (word, replacement) in other {
            guard text.contains(word) else { throw TestFailure("\(word) is not in \(text)") }
            text = text.replacing(word, with: replacement)
        }
        return text
    }

    /// The line that calls filter-chain, for one of a test's own.
    static func chain(_ root: String) throws -> [String: String] {
        ["/usr/bin/filter-chain": "\(try Tool.path("filter-chain")) --root \(root)"]
    }
}
