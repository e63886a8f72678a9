// TextFile: a file of lines with comments, where whatever is wrong has a file and a line.
// throttle-limits(5).
// SPDX-License-Identifier: MIT

import Control
import MailModel
import UnixIO

/// Reading such files.
enum TextFile {
    /// Calls with each line that is not empty and no comment, without blanks at either end.
    /// - Throws: `ControlError` with file and line for each `LineError` that the body throws.
    static func read(_ path: String, limit: Int, _ body: (String) throws -> Void) throws {
        let all: [UInt8]
        do throws(SystemError) {
            all = try Files.contents(of: path, limit: limit)
        } catch {
            throw ControlError.unreadable(error)
        }
        let lines = all.split(separator: 0x0A, omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let bytes = line.trimmed
            guard let first = bytes.first, first != 0x23 else { continue }
            do {
                guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
                    throw LineError("this is not text")
                }
                try body(text)
            } catch let error as LineError {
                throw ControlError.invalid(file: path, line: index + 1, reason: error.text)
            }
        }
    }
}
