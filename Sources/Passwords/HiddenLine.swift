// HiddenLine: a password that is typed.
// termios(3).
// SPDX-License-Identifier: MIT

import CPasswords
import Glibc

/// Reading what a terminal does not show.
public enum HiddenLine {
    /// Reads a line from a terminal without echo.
    /// - Throws: `PasswordError` when it is no terminal, or the line is longer than a password may be.
    public static func read(_ descriptor: Int32) throws(PasswordError) -> [UInt8] {
        var line = [CChar](repeating: 0, count: PreparedPassword.maximumLength)
        let length = cpasswords_read_hidden(descriptor, &line, line.count)
        guard length >= 0 else {
            throw .failed("terminal: \(String(cString: strerror(errno)))")
        }
        return line.prefix(length).map(UInt8.init(bitPattern:))
    }
}
