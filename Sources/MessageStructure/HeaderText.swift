// HeaderText: encoded words, also those that are broken.
// RFC 2047.
// SPDX-License-Identifier: MIT

import MailModel

/// Lines of a header.
public enum HeaderText {
    /// A line with its encoded words decoded to UTF-8, and once more without the characters that
    /// nobody sees where it has some.
    public static func readings(_ line: [UInt8]) -> [[UInt8]] {
        let decoded = decoded(line)
        return [decoded, decoded.withoutInvisible].uniqued
    }

    /// A line with its encoded words decoded to UTF-8.
    static func decoded(_ line: [UInt8]) -> [UInt8] { Text.decodingWords(mended(line)) }

    /// The line with padding behind base64 that lacks it, of which GMime leaves out the end, and
    /// with the end of a word that has none.
    private static func mended(_ line: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        var rest = 0
        while let start = line.firstRange(ofExactly: "=?", from: rest),
            let charset = line.firstRange(ofExactly: "?", from: start.upperBound),
            let kind = line.firstRange(ofExactly: "?", from: charset.upperBound)
        {
            guard kind.lowerBound == charset.upperBound + 1 else {
                output += line[rest..<start.upperBound]
                rest = start.upperBound
                continue
            }
            let end = line.firstRange(ofExactly: "?=", from: kind.upperBound)
            let text = line[kind.upperBound..<(end?.lowerBound ?? line.count)]
            output += line[rest..<kind.upperBound]
            output += line[charset.upperBound].asciiLowercased == 0x62 ? padded(text) : text
            output += [0x3F, 0x3D]
            rest = end?.upperBound ?? line.count
        }
        return output + line[rest...]
    }

    private static func padded(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let letters = text.filter { $0 > 0x20 && $0 != 0x3D }
        let missing = (4 - letters.count % 4) % 4
        return letters[...] + Array(repeating: 0x3D, count: missing == 3 ? 0 : missing)
    }
}
