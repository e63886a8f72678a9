// Bucket: the moment until which deferred messages wait, and the name of their folder.
// queue(5).
// SPDX-License-Identifier: MIT

/// A moment in steps of 64 seconds. Its name sorts by time.
public struct Bucket: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The length of a step, in seconds.
    public static let width = 64

    /// Steps since 1970-01-01 UTC.
    let number: UInt32

    /// The first bucket whose moment is not before this one, in seconds since 1970.
    public init(due seconds: Int) {
        let steps = max(0, seconds) / Bucket.width + (max(0, seconds) % Bucket.width > 0 ? 1 : 0)
        number = UInt32(clamping: steps)
    }

    /// Reads 8 hexadecimal digits with small letters; nil for anything else.
    public init?(_ name: String) {
        guard name.utf8.count == 8,
            name.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }),
            let number = UInt32(name, radix: 16)
        else { return nil }
        self.number = number
    }

    /// The moment, in seconds since 1970.
    public var moment: Int { Int(number) * Bucket.width }

    /// The folder's name.
    public var description: String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 8 - digits.utf8.count) + digits
    }

    /// Earlier is less.
    public static func < (one: Bucket, other: Bucket) -> Bool { one.number < other.number }
}
