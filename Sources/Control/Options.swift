// Options: a command line, read against what a program declares.
// chainmail(7), section OPTIONS.
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

/// A command line that cannot be understood: one line that says where and what would be right.
public struct UsageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The line, without the program's name.
    public let description: String

    /// An error with this text.
    public init(_ description: String) { self.description = description }
}

/// The options and operands that were given. Values are bytes, since addresses are among them.
public struct Options: Hashable, Sendable {
    private var values: [String: [[UInt8]]] = [:]
    /// What was given without `--NAME` before a `--`.
    public private(set) var operands: [String] = []
    /// What was given after `--`, such as the next program and its arguments; nil without a `--`.
    public private(set) var trailing: [String]?

    init() {}

    mutating func add(_ name: String, _ value: [UInt8]) { values[name, default: []].append(value) }

    mutating func addOperand(_ operand: [UInt8]) {
        operands.append(String(decoding: operand, as: UTF8.self))
    }

    mutating func end(with trailing: some Sequence<[UInt8]>) {
        self.trailing = trailing.map { String(decoding: $0, as: UTF8.self) }
    }

    /// True when the option was given.
    public func has(_ name: String) -> Bool { values[name] != nil }

    /// The value, the last one when it was given again; nil when it was not given.
    public func bytes(_ name: String) -> [UInt8]? { values[name]?.last }

    /// Every value, in the order given.
    public func allBytes(_ name: String) -> [[UInt8]] { values[name] ?? [] }

    /// The value as text.
    public subscript(name: String) -> String? {
        bytes(name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Every value as text, in the order given.
    public func all(_ name: String) -> [String] {
        allBytes(name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The value as a duration such as `20s`; nil when it was not given.
    public func duration(_ name: String) throws(UsageError) -> Duration? {
        try read(name, "a duration such as 500ms, 20s, 5m, 1h or 7d", Quantity.duration)
    }

    /// The value as a number of bytes such as `100M`; nil when it was not given.
    public func size(_ name: String) throws(UsageError) -> Int? {
        try read(name, "a size such as 4096, 64K, 100M or 1G", Quantity.bytes)
    }

    /// The value as a decimal number within bounds; nil when it was not given.
    public func integer(
        _ name: String, in bounds: ClosedRange<Int> = 0...Int(Int32.max)
    ) throws(UsageError) -> Int? {
        try read(name, "a number from \(bounds.lowerBound) to \(bounds.upperBound)") {
            $0.decimalValue.flatMap { bounds.contains($0) ? $0 : nil }
        }
    }

    /// The value as `MIN-MAX` or one number for both; nil when it was not given.
    public func range(
        _ name: String, in bounds: ClosedRange<Int> = 1...1000
    ) throws(UsageError) -> ClosedRange<Int>? {
        let form = "MIN-MAX or one number, from \(bounds.lowerBound) to \(bounds.upperBound)"
        return try read(name, form) { text in
            let numbers = text.split(
                separator: 0x2D, maxSplits: 1, omittingEmptySubsequences: false
            ).map(\.decimalValue)
            guard let least = numbers.first ?? nil, let most = numbers.last ?? nil, least <= most,
                bounds.contains(least), bounds.contains(most)
            else { return nil }
            return least...most
        }
    }

    /// The value as an address with a port; nil when it was not given.
    public func endpoint(
        _ name: String, defaultPort: UInt16? = nil
    ) throws(UsageError) -> Endpoint? {
        try read(name, defaultPort == nil ? "ADDRESS:PORT" : "ADDRESS or ADDRESS:PORT") {
            Endpoint($0, defaultPort: defaultPort)
        }
    }

    /// The value as one of the cases of an enumeration; nil when it was not given.
    public func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ name: String, _ type: Choice.Type
    ) throws(UsageError) -> Choice? {
        guard has(name) else { return nil }
        let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        return try read(name, "one of \(known)") {
            Choice(rawValue: String(decoding: $0, as: UTF8.self))
        }
    }

    /// The value as whatever `parse` makes of it; nil when it was not given.
    /// - Throws: `UsageError` that names the option, the value and the form that is expected.
    public func read<Value>(
        _ name: String, _ form: String, _ parse: ([UInt8]) -> Value?
    ) throws(UsageError) -> Value? {
        guard let bytes = bytes(name) else { return nil }
        guard let value = parse(bytes) else {
            throw UsageError("--\(name) \(bytes.printable): not \(form)")
        }
        return value
    }
}
