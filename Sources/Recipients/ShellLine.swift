// ShellLine: a command whose last program is plain to see.
// sh(1), section Pipelines.
// SPDX-License-Identifier: MIT

import Glibc

/// A command that is one program with its words, perhaps behind others in a pipe.
struct ShellLine: Hashable {
    /// Longer ones are left to a shell.
    private static let maximumLength = 4096
    /// What gives a filter a meaning that depends on more than the filter.
    private static let endsOfCommands = Set(";&(){}`#!\n".utf8)
    /// What a shell would expand in a word, or take for something else than a word.
    private static let expanded = Set(";&(){}`#!\n<>$*?[]~".utf8)

    /// What is before the last `|`; nil when nothing is.
    let filter: [UInt8]?
    /// The words of the last program, its name first.
    let words: [[UInt8]]

    /// Reads a command; nil for one that only a shell can be trusted to understand: with lists,
    /// groups, comments, substitutions, or with anything else than plain words after the last `|`.
    init?(_ command: [UInt8]) {
        guard command.count <= ShellLine.maximumLength, !command.contains(0) else { return nil }
        let parts = ShellLine.parts(command)
        guard let parts, let last = parts.last, let words = ShellLine.words(last),
            let first = words.first, !first.contains(0x3D)
        else { return nil }
        self.words = words
        let before = parts.dropLast()
        guard before.allSatisfy({ part in part.contains { !$0.isBlank } }) else { return nil }
        filter = before.isEmpty ? nil : Array(before.joined(separator: [0x7C]))
    }

    /// The last part of the program's name.
    var program: ArraySlice<UInt8> {
        let name = words[0]
        return name.lastIndex(of: 0x2F).map { name[($0 + 1)...] } ?? name[...]
    }

    /// True where a program can be run.
    static func isThere(_ program: [UInt8]) -> Bool {
        guard let name = String(validating: program, as: UTF8.self) else { return false }
        let folders = name.contains("/") ? [""] : ["/usr/local/bin/", "/usr/bin/", "/bin/"]
        return folders.contains { folder in
            var status = stat()
            let path = folder + name
            return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
                && access(path, X_OK) == 0
        }
    }

    /// Divides at each `|` that is not quoted.
    private static func parts(_ command: [UInt8]) -> [[UInt8]]? {
        var parts: [[UInt8]] = []
        var part: [UInt8] = []
        var quote: UInt8?
        var isEscaped = false
        for byte in command {
            if isEscaped {
                isEscaped = false
            } else if byte == 0x5C, quote != 0x27 {
                isEscaped = true
            } else if let open = quote {
                if byte == open { quote = nil }
            } else if byte == 0x27 || byte == 0x22 {
                quote = byte
            } else if byte == 0x7C {
                parts.append(part)
                part = []
                continue
            } else if endsOfCommands.contains(byte) {
                return nil
            }
            part.append(byte)
        }
        guard quote == nil, !isEscaped else { return nil }
        return parts + [part]
    }

    /// The words of a part; nil where a shell would expand any.
    private static func words(_ part: [UInt8]) -> [[UInt8]]? {
        var words: [[UInt8]] = []
        var word: [UInt8]?
        var quote: UInt8?
        var isEscaped = false
        for byte in part {
            if isEscaped {
                if quote == 0x22, ![0x22, 0x24, 0x5C, 0x60].contains(byte) {
                    word = (word ?? []) + [0x5C]
                }
                word = (word ?? []) + [byte]
                isEscaped = false
            } else if byte == 0x5C, quote != 0x27 {
                isEscaped = true
            } else if byte == quote {
                quote = nil
            } else if quote == 0x27 {
                word = (word ?? []) + [byte]
            } else if quote == 0x22 {
                guard byte != 0x24, byte != 0x60 else { return nil }
                word = (word ?? []) + [byte]
            } else if byte == 0x27 || byte == 0x22 {
                quote = byte
                word = word ?? []
            } else if byte.isBlank {
                if let word { words.append(word) }
                word = nil
            } else {
                guard !expanded.contains(byte) else { return nil }
                word = (word ?? []) + [byte]
            }
        }
        if let word { words.append(word) }
        return words
    }
}
