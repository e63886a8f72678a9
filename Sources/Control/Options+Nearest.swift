// Nearest: which of the words that would do was meant.
// SPDX-License-Identifier: MIT

extension Usage {
    /// Of the words given, the one to three that are nearest to a mistyped one; empty when none is
    /// near. Used for options, and for the keywords of configuration files.
    public static func nearest(to word: String, among words: some Sequence<String>) -> [String] {
        let word = Array(word.utf8.prefix(64))
        let limit = max(2, word.count / 3)
        let near = words.map { (distance(word, Array($0.utf8)), $0) }
            .filter { $0.0 <= limit || $0.1.utf8.starts(with: word) && word.count > 3 }
            .sorted { $0 < $1 }
        guard let best = near.first?.0 else { return [] }
        return near.prefix { $0.0 <= best + 1 }.prefix(3).map(\.1)
    }

    /// The number of bytes to add, to drop or to exchange that makes one word of the other.
    private static func distance(_ one: [UInt8], _ other: [UInt8]) -> Int {
        var row = Array(0...other.count)
        for (line, byte) in one.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for (column, candidate) in other.enumerated() {
                let cheapest = min(
                    row[column + 1] + 1, row[column] + 1, diagonal + (byte == candidate ? 0 : 1))
                diagonal = row[column + 1]
                row[column + 1] = cheapest
            }
        }
        return row[other.count]
    }
}
