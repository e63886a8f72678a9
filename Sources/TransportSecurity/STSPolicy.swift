// STSPolicy: what a domain says by MTA-STS of the hosts that take its mail.
// RFC 8461, sections 3.1, 3.2 and 4.1.
// SPDX-License-Identifier: MIT

import MailModel

/// What a policy or its announcement is not.
struct STSError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A policy.
struct STSPolicy: Equatable {
    /// What follows from it.
    enum Mode: String {
        /// Mail goes to a host that fits, or not at all.
        case enforce
        /// It goes anyway, and the domain would like to hear.
        case testing
        /// As if there were none.
        case none
    }

    /// The longest age, in seconds: some years are no policy any more. RFC 8461, section 3.2.
    static let longestAge = 31_557_600

    let mode: Mode
    /// Names of hosts in lower case; `*.` before one stands for any one label.
    let patterns: [String]
    /// How long it holds, in seconds.
    let maximumAge: Int

    /// Reads the text.
    init(_ text: [UInt8]) throws(STSError) {
        var values: [String: String] = [:]
        var patterns: [String] = []
        for (number, line) in text.split(separator: 0x0A).enumerated() {
            let line = line.last == 0x0D ? line.dropLast() : line
            if line.allSatisfy(\.isBlank) { continue }
            guard let colon = line.firstIndex(of: 0x3A) else {
                throw STSError("line \(number + 1) is no field")
            }
            let name = line[..<colon].trimmed.printable
            let value = line[(colon + 1)...].trimmed.printable
            if name == "mx" {
                patterns.append(try STSPolicy.pattern(value))
            } else if values[name] == nil {
                // Of fields that stand twice the first counts.
                values[name] = value
            }
        }
        guard values["version"] == "STSv1" else { throw STSError("the version is not STSv1") }
        guard let mode = Mode(rawValue: values["mode"] ?? "") else {
            throw STSError("the mode is not enforce, testing or none")
        }
        guard let age = values["max_age"]?.utf8.decimalValue, age <= 9_999_999_999 else {
            throw STSError("max_age is missing or no number")
        }
        guard mode == .none || !patterns.isEmpty else { throw STSError("it names no host") }
        self.mode = mode
        self.patterns = patterns
        maximumAge = min(age, STSPolicy.longestAge)
    }

    private static func pattern(_ value: String) throws(STSError) -> String {
        let lower = value.lowercased()
        let name = lower.hasPrefix("*.") ? lower.dropFirst(2) : lower[...]
        guard HostName.isFit(name) else { throw STSError("no name of a host: \(value)") }
        return lower
    }

    /// True when a host is one of the policy's.
    func allows(_ host: String) -> Bool {
        let host = host.lowercased()
        let parent = host.firstIndex(of: ".").map { host[host.index(after: $0)...] }
        return patterns.contains { pattern in
            guard pattern.hasPrefix("*.") else { return pattern == host }
            return pattern.dropFirst(2) == parent
        }
    }

    /// The policy as a report has it. RFC 8460, section 4.4.
    var lines: [String] {
        ["version: STSv1", "mode: \(mode.rawValue)"] + patterns.map { "mx: \($0)" }
            + ["max_age: \(maximumAge)"]
    }

    /// The id of a policy that the TXT records of `_mta-sts` announce; nil where they do not.
    static func announced(_ records: [[UInt8]]) -> String? {
        let ours = records.filter { $0.starts(with: "v=STSv1;".utf8) }
        guard ours.count == 1, let record = ours.first else { return nil }
        for field in record.split(separator: 0x3B).dropFirst() {
            let field = field.trimmed
            guard field.starts(with: "id=".utf8) else { continue }
            let id = field.dropFirst(3)
            let isFit = id.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit }
            return (1...32).contains(id.count) && isFit ? id.printable : nil
        }
        return nil
    }
}
