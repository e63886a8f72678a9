// ClamdProbe: does a clamd say what it did not look into?
// clamd.conf(5), AlertEncrypted and AlertExceedsMax.
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

extension ClamdClient {
    /// What an administrator should know of a clamd before mail is scanned by it.
    public enum Finding: Hashable, Sendable {
        /// It cannot be asked, for this reason.
        case silent(ClamdAddress, String)
        /// It takes what it did not look into for clean, unless this is set in clamd.conf.
        case unsaid(ClamdAddress, setting: String)
    }

    /// Asks each clamd about two files that nobody can look into whole.
    public func probe() -> [Finding] {
        addresses.flatMap { address -> [Finding] in
            let one = ClamdClient([address], limit: limit, blocks: [])
            let files: [(setting: String, bytes: [UInt8])] = [
                ("AlertEncrypted", ClamdClient.encryptedZip),
                ("AlertExceedsMax", ClamdClient.nested(depth: 101)),
            ]
            var findings: [Finding] = []
            for (setting, bytes) in files {
                switch one.scan(bytes) {
                case .failed(let reason): return [.silent(address, reason)]
                case .clean: findings.append(.unsaid(address, setting: setting))
                case .found, .unscannable: break
                }
            }
            return findings
        }
    }

    private func scan(_ bytes: [UInt8]) -> ScanResult {
        do throws(SystemError) {
            let file = try Files.inMemory("probe")
            try file.borrowed.writeAll(bytes, "probe")
            return scan(file.borrowed, length: bytes.count).result
        } catch {
            return .failed("\(error)")
        }
    }

    /// A zip archive with a file of 7 bytes under a password.
    private static let encryptedZip: [UInt8] = {
        let digits = Array(
            """
            504b03040a0009000000d4b4775d8cb2ebe21300000007000000060000007365637265748be1df09\
            ddb2ef6064170c57fbadce14dd2652504b07088cb2ebe21300000007000000504b01021e030a0009\
            000000d4b4775d8cb2ebe21300000007000000060000000000000000000000a48100000000736563\
            726574504b0506000000000100010034000000470000000000
            """.utf8)
        return stride(from: 0, to: digits.count - 1, by: 2).map { index in
            digits[index...(index + 1)].reduce(0) { $0 << 4 | ($1 < 0x3A ? $1 - 0x30 : $1 - 0x57) }
        }
    }()

    /// Archives of tar in one another, deeper than any clamd may be set to look: 51 KiB.
    private static func nested(depth: Int) -> [UInt8] {
        (0..<depth).reduce(into: Array("x".utf8)) { bytes, _ in
            let padding = [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
            bytes = tarHeader(size: bytes.count) + bytes + padding
        }
    }

    /// The header of one file after POSIX.1-1988: numbers in octal digits.
    private static func tarHeader(size: Int) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            header.replaceSubrange(offset..<(offset + text.utf8.count), with: text.utf8)
        }
        func octal(_ number: Int, _ digits: Int) -> String {
            let text = String(number, radix: 8)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        put("x", at: 0)
        put("0000644\0" + "0000000\0" + "0000000\0", at: 100)
        put("\(octal(size, 11))\0" + "00000000000\0" + "        0", at: 124)
        put("ustar\0" + "00", at: 257)
        put("\(octal(header.reduce(0) { $0 + Int($1) }, 6))\0 ", at: 148)
        return header
    }
}
