// ParameterScan: parameters of a field in the ways that GMime does not read them.
// RFC 2045, section 5.1; RFC 2231.
// SPDX-License-Identifier: MIT

import MailModel

/// A second reading of `name=value` in a field. GMime gives up at what mail readers forgive:
/// quotes without an end, values with blanks, sections twice or out of order, comments, and
/// parameters that no semicolon stands before.
struct ParameterScan {
    private struct Found {
        /// The number in `name*1`; nil where there is none.
        let section: Int?
        /// `name*`: charset, language and percent signs.
        let isExtended: Bool
        let values: [[UInt8]]
    }

    /// A field that says more often what a file is called is there to cost time.
    private static let mostOfAName = 100

    private let line: [UInt8]

    /// The value of a field, folds and all.
    init(_ field: [UInt8]) { line = field.filter { $0 != 0x0A && $0 != 0x0D } }

    /// Each value that a parameter of this name may have.
    /// - Throws: `StructureError` when it is there too often, or its values together are far
    ///   longer than the field.
    func values(of name: String) throws(StructureError) -> [[UInt8]] {
        let found = try all(name)
        var values: [[UInt8]] = []
        for parameter in found {
            values += parameter.values
            if parameter.isExtended { values += parameter.values.flatMap(ParameterScan.extended) }
        }
        let sections = found.filter { $0.section != nil }
        guard sections.count > 1 else { return values }
        let ordered = sections.enumerated().sorted { one, other in
            (one.element.section ?? 0, one.offset) < (other.element.section ?? 0, other.offset)
        }.map(\.element)
        // Of a section that is there twice, either may count.
        for order in [
            ParameterScan.once(ordered), ParameterScan.once(ordered.reversed()).reversed(),
            sections,
        ] {
            values += ParameterScan.joined(order)
        }
        return values
    }

    private func all(_ name: String) throws(StructureError) -> [Found] {
        let folded = line.asciiLowercased
        var found: [Found] = []
        var start = 0
        var size = 0
        while let range = folded.firstRange(ofExactly: name, from: start) {
            start = range.upperBound
            if range.lowerBound > 0, folded[range.lowerBound - 1].isNameLetter { continue }
            var index = range.upperBound
            var section: Int?
            var isExtended = false
            while index < line.count, line[index] == 0x2A {
                let digits = line[(index + 1)...].prefix(while: \.isASCIIDigit)
                if digits.isEmpty { isExtended = true } else { section = digits.decimalValue }
                index += 1 + digits.count
            }
            index += line[index...].prefix(while: \.isBlank).count
            guard index < line.count, line[index] == 0x3D else { continue }
            let values = ParameterScan.readings(of: line[(index + 1)...])
            size += values.reduce(0) { $0 + $1.count }
            guard found.count < ParameterScan.mostOfAName, size <= 8 * line.count + 4_096 else {
                throw .overLimit("a field has too many parameters")
            }
            found.append(Found(section: section, isExtended: isExtended, values: values))
        }
        return found
    }

    /// What a value may be that begins here.
    private static func readings(of rest: ArraySlice<UInt8>) -> [[UInt8]] {
        var rest = rest.drop(while: \.isBlank)
        var readings: [[UInt8]] = []
        // A comment in front of the value, which may also be the value.
        if rest.first == 0x28, let end = rest.firstIndex(of: 0x29) {
            readings.append(Array(rest.prefix { $0 != 0x3B }.trimmed))
            rest = rest[(end + 1)...].drop(while: \.isBlank)
        }
        guard let first = rest.first, first == 0x22 || first == 0x27 else {
            let all = rest.prefix { $0 != 0x3B }
            readings.append(Array(all.prefix { !$0.isBlank && $0 != 0x28 }))
            readings.append(Array(all.trimmed))
            return readings.uniqued
        }
        var value: [UInt8] = []
        var isEscaped = false
        for byte in rest.dropFirst() {
            if !isEscaped, byte == first { break }
            isEscaped = !isEscaped && byte == 0x5C
            if !isEscaped { value.append(byte) }
        }
        readings.append(value)
        // A backslash that stands for itself, as in the paths of Windows.
        readings.append(Array(rest.dropFirst().prefix { $0 != first }))
        // Without an end, or with quotes within, up to the next parameter.
        readings.append(Array(rest.prefix { $0 != 0x3B }.filter { $0 != 0x22 }.trimmed))
        return readings.uniqued
    }

    /// RFC 2231, section 4: `charset'language'value`. UTF-16 without a mark is read both ways.
    private static func extended(_ value: [UInt8]) -> [[UInt8]] {
        let parts = value.split(separator: 0x27, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return [value.percentDecoded] }
        let bytes = Array(parts[2]).percentDecoded
        let charset = Array(parts[0])
        let wide = charset.holds("utf-16") || charset.holds("ucs-2")
        let charsets = [charset] + (wide ? ["utf-16be", "utf-16le"].map { Array($0.utf8) } : [])
        let texts = charsets.compactMap { Text.utf8(bytes[...], from: $0)?.text }
        return texts.isEmpty ? [bytes] : texts.uniqued
    }

    private static func once(_ sections: [Found]) -> [Found] {
        var seen: Set<Int?> = []
        return sections.filter { seen.insert($0.section).inserted }
    }

    private static func joined(_ sections: [Found]) -> [[UInt8]] {
        let whole = sections.flatMap { $0.values.first ?? [] }
        return sections.contains(where: \.isExtended) ? extended(whole) : [whole]
    }
}

extension UInt8 {
    /// True for what a longer name could go on with.
    fileprivate var isNameLetter: Bool { isASCIILetter || isASCIIDigit || self == 0x2D }
}

extension [UInt8] {
    /// With `%41` as `A`; what is no such thing stays.
    var percentDecoded: [UInt8] {
        guard contains(0x25) else { return self }
        var output: [UInt8] = []
        var index = 0
        while index < count {
            if self[index] == 0x25, index + 2 < count, self[index + 1].isHexDigit,
                self[index + 2].isHexDigit,
                let byte = UInt8(
                    String(decoding: self[(index + 1)...(index + 2)], as: UTF8.self), radix: 16)
            {
                output.append(byte)
                index += 3
            } else {
                output.append(self[index])
                index += 1
            }
        }
        return output
    }
}

extension [[UInt8]] {
    /// Each once, in the order of first appearance.
    var uniqued: [[UInt8]] {
        var seen: Set<[UInt8]> = []
        return filter { seen.insert($0).inserted }
    }
}
