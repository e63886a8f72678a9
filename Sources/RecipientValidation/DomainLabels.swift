// DomainLabels: a domain with letters beyond ASCII as the DNS has it.
// RFC 5890, section 2.3.2.1; RFC 3492 (Punycode).
// SPDX-License-Identifier: MIT

import MailModel

/// Labels beyond ASCII become `xn--` and Punycode. Letters become small first, no more: that is
/// what a mail program does that puts a U-label into an envelope (RFC 6531, section 3.2).
enum DomainLabels {
    /// The most characters of a label that are looked at; what has more is too long for the DNS.
    private static let longest = 63

    /// The domain in ASCII; nil when it is not UTF-8 or a label is too long.
    static func ascii(_ domain: some Collection<UInt8>) -> [UInt8]? {
        guard domain.contains(where: { $0 >= 0x80 }) else { return domain.asciiLowercased }
        guard let text = String(validating: domain, as: UTF8.self) else { return nil }
        var labels: [[UInt8]] = []
        let name = text.lowercased().unicodeScalars
        for label in name.split(separator: ".", omittingEmptySubsequences: false) {
            guard label.count <= longest else { return nil }
            let scalars = label.map(\.value)
            guard scalars.contains(where: { $0 >= 0x80 }) else {
                labels.append(scalars.map { UInt8(truncatingIfNeeded: $0) })
                continue
            }
            labels.append(Array("xn--".utf8) + punycode(scalars))
        }
        return Array(labels.joined(separator: [0x2E]))
    }

    /// RFC 3492, section 6.3. With 63 characters at most nothing overflows.
    private static func punycode(_ scalars: [UInt32]) -> [UInt8] {
        var output = scalars.filter { $0 < 0x80 }.map { UInt8(truncatingIfNeeded: $0) }
        let basic = output.count
        if basic > 0 { output.append(0x2D) }
        var next = 128
        var delta = 0
        var bias = 72
        var handled = basic
        while let least = scalars.map(Int.init).filter({ $0 >= next }).min() {
            delta += (least - next) * (handled + 1)
            next = least
            for scalar in scalars.map(Int.init) {
                if scalar < next { delta += 1 }
                guard scalar == next else { continue }
                output += digits(of: delta, bias)
                bias = adapted(delta, handled + 1, isFirst: handled == basic)
                delta = 0
                handled += 1
            }
            delta += 1
            next += 1
        }
        return output
    }

    /// A number as digits of a variable base, the least significant first.
    private static func digits(of number: Int, _ bias: Int) -> [UInt8] {
        var digits: [UInt8] = []
        var rest = number
        var place = 36
        while true {
            let threshold = min(max(place - bias, 1), 26)
            guard rest >= threshold else { break }
            digits.append(digit(threshold + (rest - threshold) % (36 - threshold)))
            rest = (rest - threshold) / (36 - threshold)
            place += 36
        }
        return digits + [digit(rest)]
    }

    /// `a` to `z` are 0 to 25, `0` to `9` are 26 to 35.
    private static func digit(_ value: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: value < 26 ? 0x61 + value : 0x30 + value - 26)
    }

    /// RFC 3492, section 6.1.
    private static func adapted(_ delta: Int, _ count: Int, isFirst: Bool) -> Int {
        var delta = isFirst ? delta / 700 : delta / 2
        delta += delta / count
        var steps = 0
        while delta > 455 {
            delta /= 35
            steps += 36
        }
        return steps + 36 * delta / (delta + 38)
    }
}
