// ClamdScanner: a message as clamd shall see it.
// virus-scan(8), section CLAMD.
// SPDX-License-Identifier: MIT

import FilterKit
import Glibc
import MailModel
import Scanning
import UnixIO

/// Scans requests by clamd. A message is a part of a file, and steps have laid edits over it, but
/// clamd reads files whole: it gets a copy.
struct ClamdScanner: Sendable {
    /// Larger messages are copied to a file instead of memory.
    private static let memoryLimit = 1 << 20

    private let client: ClamdClient
    private let options: ScanOptions

    init(_ options: ScanOptions) {
        self.options = options
        client = ClamdClient(
            options.clamd, limit: options.limits.time, blocks: options.blocks)
    }

    /// Says what an administrator should know before mail comes.
    func probe(_ log: Log) {
        for finding in client.probe() {
            switch finding {
            case .silent(let address, let reason):
                log.event("WARNING-no-clamd", ["clamd": "\(address)", "error": reason])
            case .unsaid(let address, let setting):
                log.event(
                    "WARNING-clamd-passes-unscanned",
                    [
                        "clamd": "\(address)",
                        "text": "without \(setting) yes in clamd.conf it calls clean what it "
                            + "did not look into",
                    ])
            }
        }
    }

    func scan(
        _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> ScanResult {
        guard request.stage == .message else {
            throw .configuration("there is nothing to scan before stage message")
        }
        guard request.message.baseLength <= options.limits.size else {
            return .unscannable("size")
        }
        let result = try scan(request.message, after: MailStart.field, &evidence)
        guard result == .clean, try !beginsWithField(request.message) else { return result }
        return try scan(request.message, after: [], &evidence)
    }

    private func beginsWithField(_ message: MessageView) throws(FilterError) -> Bool {
        MailStart.isField(try message.header(limit: MailStart.length).bytes)
    }

    private func scan(
        _ message: MessageView, after prefix: [UInt8], _ evidence: inout Evidence
    ) throws(FilterError) -> ScanResult {
        let file = try ClamdScanner.copy(message, after: prefix)
        let length: Int
        do throws(SystemError) {
            length = Int(try file.borrowed.status("copy").st_size)
        } catch {
            throw FilterError(error, otherwise: .cannotWrite)
        }
        guard length > 0 else { return .clean }
        let (result, address) = client.scan(file.borrowed, length: length)
        if let address { evidence.log("clamd", "\(address)") }
        return result
    }

    private static func copy(
        _ message: MessageView, after prefix: [UInt8]
    ) throws(FilterError) -> OwnedDescriptor {
        do {
            let file = try newFile(for: message.baseLength)
            try file.borrowed.writeAll(prefix, "copy")
            try message.write(to: file.borrowed, "copy")
            return file
        } catch let error as FilterError {
            throw error
        } catch let error as SystemError {
            throw FilterError(error, otherwise: .cannotWrite)
        } catch {
            throw FilterError(.internalBug, "\(error)")
        }
    }

    private static func newFile(for length: Int) throws(SystemError) -> OwnedDescriptor {
        guard length > memoryLimit,
            let file = try? Files.nameless(in: Environment.text("TMPDIR") ?? "/tmp")
        else { return try Files.inMemory("message") }
        return file
    }
}
