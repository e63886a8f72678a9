// Log: one line of key=value pairs per event, on descriptor 2.
// chainmail(7), section LOGS.
// SPDX-License-Identifier: MIT

import Glibc

/// Writes events to standard error, each with one write(2), so that lines of many processes do
/// not mix.
public struct Log: Sendable {
    private let prefix: String

    /// A log whose lines begin with this program's name.
    public init(_ program: String) { prefix = "\(program): " }

    /// Writes `program: event=NAME key=value ...`. A value that is empty or holds a blank, a quote,
    /// `=` or a control character is quoted, with `\` before quote and backslash and control
    /// characters as `\xNN`. Values are cut at 1,000 bytes. A log that cannot be written is not
    /// an error: there would be nowhere to say so.
    public func event(_ name: String, _ pairs: KeyValuePairs<String, String?> = [:]) {
        event(name, pairs: pairs.map { ($0.key, $0.value) })
    }

    /// The same for pairs that are put together at run time.
    public func event(_ name: String, pairs: [(key: String, value: String?)]) {
        var line: [UInt8] = []
        line.reserveCapacity(400)
        line += prefix.utf8
        line += "event=".utf8
        line += name.utf8
        for (key, value) in pairs {
            guard var value else { continue }
            line.append(0x20)
            line += key.utf8
            line.append(0x3D)
            value.withUTF8 { Log.append(UnsafeBufferPointer(rebasing: $0.prefix(1000)), to: &line) }
        }
        line.append(0x0A)
        _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }

    private static func append(_ value: UnsafeBufferPointer<UInt8>, to line: inout [UInt8]) {
        let isPlain = { (byte: UInt8) in
            byte > 0x20 && byte != 0x22 && byte != 0x3D && byte != 0x5C && byte != 0x7F
        }
        guard value.isEmpty || !value.allSatisfy(isPlain) else {
            line += value
            return
        }
        line.append(0x22)
        for byte in value {
            if byte < 0x20 || byte == 0x7F {
                let digits = Array("0123456789abcdef".utf8)
                line += [0x5C, 0x78, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            } else {
                if byte == 0x22 || byte == 0x5C { line.append(0x5C) }
                line.append(byte)
            }
        }
        line.append(0x22)
    }
}
