// FieldLines: a field of a header as the lines that programs may take it for.
// RFC 5322, section 4.
// SPDX-License-Identifier: MIT

import FilterKit
import MailModel

extension Header.Field {
    /// The field unfolded; and where CR stands alone or NUL is in it, the lines that it is to
    /// programs that end a line there and see no NUL.
    var lines: [[UInt8]] {
        let whole = unfolded
        guard whole.contains(where: { $0 == 0 || $0 == 0x0D }) else { return [whole] }
        return [whole] + Header.Field.mended(whole)
    }

    /// The values of a name in all of them, without blanks around.
    func values(of name: [UInt8]) -> [[UInt8]] {
        var values = isNamed(name) ? [Array(value.trimmed)] : []
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: 0x3A),
                line[..<colon].trimmed.equalsIgnoringASCIICase(name)
            else { continue }
            values.append(Array(line[(colon + 1)...].trimmed))
        }
        return values
    }

    private static func mended(_ whole: [UInt8]) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for line in whole.filter({ $0 != 0 }).split(separator: 0x0D) {
            if line.first?.isBlank == true, !lines.isEmpty {
                lines[lines.count - 1] += line
            } else {
                lines.append(Array(line))
            }
        }
        return lines
    }
}
