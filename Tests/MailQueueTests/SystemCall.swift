// SystemCall: what strace(1) saw processes do.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import TestSupport
import UnixIO

/// One call that a process made.
struct SystemCall: Hashable {
    /// An argument: the words that strace prints, and the text of a path, of data or of what a
    /// descriptor is.
    struct Argument: Hashable {
        var words: String
        var bytes: [UInt8]

        var text: String { String(decoding: bytes, as: UTF8.self) }
        var number: Int { Int(words.prefix { $0.isNumber }) ?? 0 }
    }

    var process: Int
    var name: String
    var arguments: [Argument]
    /// What it returned: -1 for an error.
    var result: Int
    /// What the descriptor that it returned is.
    var resultPath: String
    /// How many calls of this name the process had made before.
    var ordinal: Int

    func argument(_ number: Int) -> Argument {
        arguments.indices.contains(number) ? arguments[number] : Argument(words: "", bytes: [])
    }

    /// A path below a folder that is open, or one from the top.
    func path(_ folder: Int, _ name: Int) -> String {
        let name = argument(name).text
        let path = name.hasPrefix("/") ? name : "\(argument(folder).text)/\(name)"
        // As the kernel names it.
        return "/" + path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }
}

/// Runs programs under strace.
enum SystemCalls {
    /// What prints all strings as hexadecimal digits, so that no byte of a message can be taken for
    /// a word of strace's own.
    static let options = ["-f", "-y", "-xx", "-s", "16000000", "--signal=none"]

    /// The calls that a disk model needs.
    static let ofDisks = [
        "openat", "write", "pwrite64", "ftruncate", "sync_file_range", "fsync", "fdatasync",
        "linkat", "renameat", "renameat2", "rename", "unlinkat", "mkdirat",
    ]

    /// Where it is.
    static func strace() throws -> String {
        for path in ["/usr/bin/strace", "/usr/local/bin/strace"] where access(path, X_OK) == 0 {
            return path
        }
        throw TestFailure("strace is missing: see scripts/install-packages")
    }

    /// Reads what strace wrote to a file, in the order in which the calls returned.
    static func read(_ path: String) throws -> [SystemCall] {
        var reader = TraceReader()
        let text = String(decoding: try Files.contents(of: path), as: UTF8.self)
        for line in text.split(separator: "\n") { reader.take(line) }
        return reader.calls
    }
}

/// Puts lines together: `PID name(args) = result`, whole or in two parts.
private struct TraceReader {
    private(set) var calls: [SystemCall] = []
    private var unfinished: [Int: Substring] = [:]
    private var counts: [String: Int] = [:]

    mutating func take(_ line: Substring) {
        guard let blank = line.firstIndex(of: " "), let process = Int(line[..<blank]) else {
            return
        }
        let rest = line[blank...].drop { $0 == " " }
        if let end = rest.range(of: " <unfinished ...>") {
            unfinished[process] = rest[..<end.lowerBound]
        } else if rest.hasPrefix("<... ") {
            guard let begin = unfinished.removeValue(forKey: process),
                let end = rest.range(of: " resumed>")
            else { return }
            finish(process, String(begin) + rest[end.upperBound...])
        } else {
            finish(process, String(rest))
        }
    }

    private mutating func finish(_ process: Int, _ text: String) {
        guard let open = text.firstIndex(of: "("),
            let equals = text.range(of: " = ", options: .backwards),
            let close = text[..<equals.lowerBound].lastIndex(of: ")"), open < close
        else { return }
        let name = String(text[..<open])
        let arguments = text[text.index(after: open)..<close].components(separatedBy: ", ")
        let result = text[equals.upperBound...]
        let count = counts["\(process) \(name)", default: 0]
        counts["\(process) \(name)"] = count + 1
        calls.append(
            SystemCall(
                process: process, name: name, arguments: arguments.map(TraceReader.argument),
                result: Int(result.prefix { $0.isNumber || $0 == "-" }) ?? -1,
                resultPath: TraceReader.argument(String(result)).text, ordinal: count))
    }

    /// `5<\x2f\x74>`, `"\x2f\x74"`, or a word.
    private static func argument(_ text: String) -> SystemCall.Argument {
        let bytes = Array(text.utf8)
        var found: [UInt8] = []
        var index = 0
        while index + 3 < bytes.count {
            guard bytes[index] == 0x5C, bytes[index + 1] == 0x78,
                let high = digit(bytes[index + 2]), let low = digit(bytes[index + 3])
            else {
                index += 1
                continue
            }
            found.append(high << 4 | low)
            index += 4
        }
        let isLong = found.count > 16
        return SystemCall.Argument(words: isLong ? String(text.prefix(12)) : text, bytes: found)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
