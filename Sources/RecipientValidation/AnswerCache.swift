// AnswerCache: what was found out a moment ago, within bounds.
// rcpt-validate(8), --cache.
// SPDX-License-Identifier: MIT

import UnixIO

/// Values that are good until a moment. When it is full, what was not asked for lately goes: there
/// are two halves, and when the younger is full it becomes the older and the older is thrown away;
/// what is found in the older moves to the younger.
public struct AnswerCache<Value: Sendable>: Sendable {
    private struct Entry: Sendable {
        let value: Value
        let end: Deadline
    }

    private let half: Int
    private var younger: [[UInt8]: Entry] = [:]
    private var older: [[UInt8]: Entry] = [:]

    /// A cache of at most so many values.
    public init(capacity: Int) { half = max(1, capacity / 2) }

    /// How many values it holds.
    public var count: Int { younger.count + older.count }

    /// The value of a key, while it is good.
    public mutating func value(for key: [UInt8]) -> Value? {
        if let entry = younger[key] {
            if !entry.end.hasPassed { return entry.value }
            younger[key] = nil
            return nil
        }
        guard let entry = older.removeValue(forKey: key), !entry.end.hasPassed else { return nil }
        insert(entry, for: key)
        return entry.value
    }

    /// Keeps a value for a while; for no time at all it is not kept.
    public mutating func keep(_ value: Value, for key: [UInt8], _ duration: Duration) {
        guard duration > .zero else { return }
        older[key] = nil
        insert(Entry(value: value, end: .after(duration)), for: key)
    }

    private mutating func insert(_ entry: Entry, for key: [UInt8]) {
        if younger.count >= half, younger[key] == nil {
            older = younger
            younger = [:]
        }
        younger[key] = entry
    }
}
