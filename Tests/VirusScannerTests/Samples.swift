// Samples: signatures of our own and messages that they match, or that nobody can look into.
// SPDX-License-Identifier: MIT

import Foundation
import MailModel
import TestSupport

/// What the tests of the scanner scan.
enum Samples {
    /// The EICAR test file, in two pieces so that no scanner minds this source.
    static let eicar = Array(
        (#"X5O!P%@AP[4\PZX54(P^)7CC)7}$"# + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").utf8)

    /// A file that only a hash signature knows.
    static let hashed = Array("Only its hash is known.\n".utf8)

    /// A folder with signatures for both.
    static func database(in folder: TestFolder) throws -> String {
        let hex = eicar.map { String(format: "%02x", $0) }.joined()
        try folder.write("db/test.ndb", "Test.EICAR:0:*:\(hex)\n")
        // printf 'Only its hash is known.\n' | md5sum
        try folder.write("db/test.hdb", "061abdb639a8d1d0251261fa964dd2d1:24:Test.Hash\n")
        return folder.file("db")
    }

    /// A message with these files attached in base64, and fields before its own.
    static func mail(_ files: [[UInt8]], first: String = "From: a@example.org\n") -> [UInt8] {
        let parts = files.map { file in
            let lines = Data(file).base64EncodedString(options: [
                .lineLength76Characters, .endLineWithLineFeed,
            ])
            return """
                --b
                Content-Type: application/octet-stream
                Content-Transfer-Encoding: base64

                \(lines)

                """
        }
        let header = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b\"\n\n"
        let text = "--b\nContent-Type: text/plain\n\nhello\n"
        return Array((first + header + text + parts.joined() + "--b--\n").utf8)
    }

    /// A zip archive with one file, made by Python's zipfile.
    static func zip(_ file: [UInt8], name: String = "file") throws -> [UInt8] {
        let script = """
            import sys, zipfile, io
            out = io.BytesIO()
            with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(sys.argv[1], sys.stdin.buffer.read())
            sys.stdout.buffer.write(out.getvalue())
            """
        return try python(script, [name], file)
    }

    /// A tar.gz archive with one file, made by Python's tarfile.
    static func tarball(_ file: [UInt8]) throws -> [UInt8] {
        let script = """
            import sys, tarfile, io
            out, data = io.BytesIO(), sys.stdin.buffer.read()
            with tarfile.open(fileobj=out, mode='w:gz') as archive:
                entry = tarfile.TarInfo('file')
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
            sys.stdout.buffer.write(out.getvalue())
            """
        return try python(script, [], file)
    }

    /// A zip archive with `secret` under a password, made once by Info-ZIP: zip -P x -0.
    static let encryptedZip = bytes(
        hex: """
            504b03040a0009000000d4b4775d8cb2ebe2130000000700000006000000
            7365637265748be1df09ddb2ef6064170c57fbadce14dd2652504b07088c
            b2ebe21300000007000000504b01021e030a0009000000d4b4775d8cb2eb
            e21300000007000000060000000000000000000000a48100000000736563
            726574504b0506000000000100010034000000470000000000
            """)

    /// An old workbook whose only sheet is one of macros.
    static func workbook() throws -> [UInt8] {
        let script = """
            import struct, sys
            N = 0xFFFFFFFF
            def record(kind, data): return struct.pack('<HH', kind, len(data)) + data
            def entry(name, kind, child, start, size):
                name = (name + chr(0)).encode('utf-16le')
                return (name.ljust(64, bytes(1)) + struct.pack('<HBB', len(name), kind, 1)
                    + struct.pack('<III', N, N, child) + bytes(36) + struct.pack('<IQ', start, size))
            begin = lambda kind: record(0x809, struct.pack('<HHHHII', 0x600, kind, 0, 0, 0, 0))
            book = begin(5) + record(0x85, struct.pack('<IBB', 64, 0, 1) + bytes([6, 0]) + b'Macro1')
            book = (book + record(10, b'')).ljust(64, bytes(1)) + begin(0x40) + record(10, b'')
            table = [0xFFFFFFFD, 0xFFFFFFFE] + [3, 4, 5, 6, 7, 8, 9, 0xFFFFFFFE]
            table += [N] * (128 - len(table))
            folder = entry('Root Entry', 5, 1, 0xFFFFFFFE, 0) + entry('Workbook', 2, N, 2, 4096)
            head = bytes([0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]) + bytes(16)
            head += struct.pack('<HHHHH', 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
            head += struct.pack('<IIIIIIIIII', 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0)
            sys.stdout.buffer.write(head.ljust(512, bytes([255])) + struct.pack('<128I', *table)
                + folder.ljust(512, bytes(1)) + book.ljust(4096, bytes(1)))
            """
        return try python(script, [], [])
    }

    static func python(
        _ script: String, _ arguments: [String], _ input: [UInt8]
    ) throws -> [UInt8] {
        var tool = try Tool("/usr/bin/env", ["python3", "-c", script] + arguments)
        tool.message = input
        let result = try tool.run()
        guard result.code == 0 else { throw TestFailure("python3: \(result.errors)") }
        return result.output
    }

    private static func bytes(hex: String) -> [UInt8] {
        let digits = hex.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        return stride(from: 0, to: digits.count - 1, by: 2).map {
            UInt8(digits[$0] * 16 + digits[$0 + 1])
        }
    }
}
