// Policy: all limits of one throttle, and whom none of them concerns.
// throttle-limits(5).
// SPDX-License-Identifier: MIT

import Control
import Counters
import MailModel
import UnixIO

/// What options and files say.
struct Policy: Sendable {
    /// The most bytes of a limits file.
    static let maximumSize = 1 << 20
    /// The most limits.
    static let maximumLimits = 1000

    static let options: [Usage.Option] = [
        .values("limits", "FILE", "a file of limits, throttle-limits(5)"),
        .values("limit", "'KEY UNIT RATE ACTION [text]'", "a limit"),
        .values("except", "LIST", "clients, networks and user:NAME that nothing concerns"),
        .value("spamt", "FILE", "SpamThrottle's table of networks"),
    ]

    private(set) var limits: [Limit] = []
    private(set) var exceptions = Exceptions()
    private(set) var spam: SpamTable?

    /// True when nothing is limited.
    var isEmpty: Bool { limits.isEmpty && spam == nil }

    /// Reads the options and the files they name: first the files, then each `--limit`.
    /// - Throws: `UsageError`, and `ControlError` with file and line.
    init(_ options: Options, log: Log) throws {
        for file in options.all("limits") {
            try TextFile.read(file, limit: Policy.maximumSize) { line in try add(line) }
        }
        for line in options.all("limit") {
            try Policy.option("limit", line) { try add(Limit(line)) }
        }
        for list in options.all("except") {
            try Policy.option("except", list) { try exceptions.add(list) }
        }
        if let file = options["spamt"] {
            spam = try SpamTable(file: file) { line, field in
                log.event("spamt-not-done", ["file": file, "line": "\(line)", "field": field])
            }
        }
    }

    /// What an occasion does to all limits, and the index of the limit of each charge; nil for
    /// SpamThrottle.
    /// - Returns: also the wait after the end of the data, in milliseconds.
    func charges(
        _ occasion: Occasion
    ) -> (charges: [Charge], owners: [Int?], flush: UInt64) {
        guard !exceptions.cover(occasion) else { return ([], [], 0) }
        var charges: [Charge] = []
        var owners: [Int?] = []
        for (index, limit) in limits.enumerated() {
            let some = limit.charges(occasion)
            charges += some
            for _ in some { owners.append(index) }
        }
        guard let (wait, flush) = spam?.charge(occasion) else { return (charges, owners, 0) }
        if let wait {
            charges.append(wait)
            owners.append(nil)
        }
        return (charges, owners, flush)
    }

    private mutating func add(_ line: String) throws {
        let words = line.split { $0 == " " || $0 == "\t" }
        guard words.first == "except" else {
            try add(Limit(line))
            return
        }
        guard words.count > 1 else { throw LineError("nothing follows except") }
        for list in words.dropFirst() { try exceptions.add(String(list)) }
    }

    private mutating func add(_ limit: Limit) throws(LineError) {
        guard limits.count < Policy.maximumLimits else {
            throw LineError("more than \(Policy.maximumLimits) limits")
        }
        limits.append(limit)
    }

    private static func option(_ name: String, _ value: String, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as LineError {
            throw UsageError("--\(name) '\(value)': \(error.text)")
        }
    }
}
