// TraceLine, OwnedLog: lines of logs, whatever stands before them.
// chainmail(7), section LOGS.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// An event that a program of ours logged.
struct TraceLine {
    let text: String
    /// What whoever keeps the log put before it, as a time.
    let stamp: String
    let program: String
    private let pairs: [(key: String, value: String)]

    /// Of a longer event the rest is left out.
    private static let pairsAtMost = 64
    private static let mark = Array(": event=".utf8)

    /// Reads a line; nil when it is no event.
    init?(_ line: ArraySlice<UInt8>) {
        let mark = TraceLine.mark
        var start = line.startIndex
        while true {
            guard let colon = line[start...].firstIndex(of: 0x3A) else { return nil }
            if line[colon...].starts(with: mark) {
                start = colon
                break
            }
            start = colon + 1
        }
        let before = line[..<start]
        let blank = before.lastIndex(of: 0x20).map { $0 + 1 } ?? before.startIndex
        program = String(decoding: before[blank...], as: UTF8.self)
        stamp = String(decoding: before[..<blank].dropLast(), as: UTF8.self)
        text = String(decoding: line, as: UTF8.self)
        var rest = line[(start + 2)...]
        var pairs: [(key: String, value: String)] = []
        while pairs.count < TraceLine.pairsAtMost, let equals = rest.firstIndex(of: 0x3D) {
            let key = String(decoding: rest[..<equals], as: UTF8.self)
            rest = rest[(equals + 1)...]
            pairs.append((key, TraceLine.value(&rest)))
        }
        self.pairs = pairs
    }

    subscript(key: String) -> String? { pairs.first { $0.key == key }?.value }

    /// As an object: `stamp`, `program` and the pairs.
    var json: String {
        var members = [("stamp", stamp), ("program", program)]
        for (key, value) in pairs where !members.contains(where: { $0.0 == key }) {
            members.append((key, value))
        }
        return JSONText.object(
            members.map { (name: $0.0, value: JSONText.quoted($0.1)) }) + "\n"
    }

    /// A value as `Log` writes it: plain up to a blank, or quoted with escapes.
    private static func value(_ rest: inout ArraySlice<UInt8>) -> String {
        guard rest.first == 0x22 else {
            let word = rest.prefix { $0 != 0x20 }
            rest = rest[word.endIndex...].dropFirst()
            return String(decoding: word, as: UTF8.self)
        }
        rest = rest.dropFirst()
        var word: [UInt8] = []
        while let byte = rest.popFirst(), byte != 0x22 {
            guard byte == 0x5C, let escaped = rest.popFirst() else {
                word.append(byte)
                continue
            }
            guard escaped == 0x78 else {
                word.append(escaped)
                continue
            }
            word.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0x3F)
            rest = rest.dropFirst(2)
        }
        rest = rest.drop { $0 == 0x20 }
        return String(decoding: word, as: UTF8.self)
    }
}

/// A log that can be read more than once. Nothing of it is held in memory.
final class OwnedLog {
    /// Of a longer line the rest is left out.
    static let longestLine = 16_384
    private let file: OwnedDescriptor
    private let name: String

    init(_ path: String) throws(SystemError) {
        file = try Files.open(path, O_RDONLY)
        name = path
    }

    /// Copies a stream into a file without a name.
    init(keeping stream: Descriptor) throws(SystemError) {
        name = "standard input"
        file = try Files.nameless(in: "/tmp")
        while true {
            let bytes = try OwnedLog.read(stream.rawValue, name)
            if bytes.isEmpty { return }
            try file.borrowed.writeAll(bytes, name)
        }
    }

    /// Calls for each event, in the order of the file.
    func forEachLine(_ body: (TraceLine) throws(SystemError) -> Void) throws(SystemError) {
        let start = lseek(file.number, 0, SEEK_SET)
        guard start == 0 else { throw .last("lseek", name) }
        var line: [UInt8] = []
        while true {
            let bytes = try OwnedLog.read(file.number, name)
            var rest = bytes[...]
            while let end = rest.firstIndex(of: 0x0A) {
                line += rest[..<end].prefix(OwnedLog.longestLine - line.count)
                if let event = TraceLine(line[...]) { try body(event) }
                line.removeAll(keepingCapacity: true)
                rest = rest[(end + 1)...]
            }
            line += rest.prefix(OwnedLog.longestLine - line.count)
            guard bytes.isEmpty else { continue }
            if let event = TraceLine(line[...]) { try body(event) }
            return
        }
    }

    private static func read(_ number: Int32, _ name: String) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = try retrying("read", name) {
            bytes.withUnsafeMutableBytes { Glibc.read(number, $0.baseAddress, $0.count) }
        }
        return Array(bytes.prefix(Int(count)))
    }
}
