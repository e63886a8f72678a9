// MaildirName: unique names for files of a Maildir.
// https://cr.yp.to/proto/maildir.html; the size as in Maildir++.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// Makes names that no other delivery of any host and any time makes. One value serves one
/// process.
public struct MaildirName {
    private let host: String
    private var deliveries: UInt64 = 0

    /// Names of a host. `/` and `:` become `\057` and `\072`, as the specification wants; other
    /// bytes that are not printable ASCII become `?`.
    public init(host: some Collection<UInt8>) {
        var text = ""
        for byte in host.prefix(100) {
            switch byte {
            case 0x2F: text += "\\057"
            case 0x3A: text += "\\072"
            case 0x21...0x7E: text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "?"
            }
        }
        self.host = text.isEmpty ? "localhost" : text
    }

    /// Names of this host, as gethostname(2) has it.
    public init() {
        var name = [CChar](repeating: 0, count: 256)
        let isKnown = gethostname(&name, name.count - 1) == 0
        self.init(host: isKnown ? name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)) : [])
    }

    /// The next name of this process, without the size.
    public mutating func next() -> String {
        deliveries &+= 1
        let now = WallClock.microseconds
        let random = String(Random.bits, radix: 16)
        return "\(now / 1_000_000).M\(now % 1_000_000)P\(getpid())Q\(deliveries)R\(random).\(host)"
    }

    /// The name under which a file of so many bytes is delivered.
    public static func sized(_ name: String, _ bytes: Int) -> String { "\(name),S=\(bytes)" }
}
