// virus-scan-full: virus-scan with libclamav in it.
// virus-scan(8).
// SPDX-License-Identifier: MIT

import Control
import FilterKit
import Glibc
import MailModel
import Scanning
import UnixIO
import VirusScanner

/// What `virus-scan` becomes to serve, or to judge one message in a shell.
@main struct VirusScanFull: Filter {
    // One filter to those who read its logs and its help.
    static let name = "virus-scan"
    static let summary = ScanOptions.summary
    static let options = ScanOptions.declared

    private let options: ScanOptions
    private let actions: ScanActions
    private let files: SignatureFiles
    private let engine: VirusEngine
    private let temporary: String

    static func main() { FilterMain.run(Self.self) }

    /// libclamav makes two folders and a file for the plainest mail, which memory bears better than
    /// a disk. `--max-size` bounds what a scan unpacks.
    private static var memoryFolder: String {
        let isThere = (try? Files.status("/dev/shm")).flatMap(\.self) != nil
        return isThere ? "/dev/shm" : "/tmp"
    }

    init(_ setup: Setup) throws {
        options = try ScanOptions(setup.options)
        actions = ScanActions(options)
        temporary = setup.options["temporary"] ?? Environment.text("TMPDIR") ?? Self.memoryFolder
        // Before they are read: what changes meanwhile is noticed.
        files = options.signatureFiles
        let database = VirusScanFull.database(options)
        engine = try VirusEngine(
            database: database, limits: options.limits, blocks: options.blocks)
        if setup.convention == .resident {
            Log(Self.name).event(
                "signatures-loaded", ["database": database, "count": "\(engine.signatures)"])
        }
    }

    var checkInterval: Duration? { options.checkInterval }

    var isStale: Bool { options.signatureFiles != files }

    mutating func open() throws(FilterError) {
        do {
            try engine.open(temporary: temporary)
        } catch {
            throw FilterError(.cannotWrite, error.description)
        }
        try actions.open()
    }

    mutating func judge(
        _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        guard request.stage == .message else {
            throw .configuration("there is nothing to scan before stage message")
        }
        return try actions.verdict(try scan(request), request, &evidence)
    }

    /// Scans the message as it came with what earlier steps put on top. A step that removed a
    /// field which says how to read the message made another one of it: then that is scanned.
    private func scan(_ request: borrowing Request) throws(FilterError) -> ScanResult {
        let overlay = request.wire.edits.overlay
        let rewrites = overlay.removedNames.contains { name in
            name.starts(with: "content-".utf8) || name.elementsEqual("mime-version".utf8)
        }
        guard !rewrites else {
            let copy = try request.message.copy()
            let status: stat
            do {
                status = try copy.borrowed.status("message")
            } catch {
                throw FilterError(error, otherwise: .cannotRead)
            }
            return engine.scan(copy.borrowed, offset: 0, length: status.st_size)
        }
        let base = try request.message.baseDescriptor()
        return engine.scan(
            base.descriptor.borrowed, offset: base.offset, length: base.length,
            adding: overlay.top)
    }

    /// The folder to load: the fallback only where the first holds no signature at all. A set
    /// that is there and does not load is an error.
    private static func database(_ options: ScanOptions) -> String {
        guard let fallback = options.fallbackDatabase,
            !VirusEngine.holdsSignatures(options.database)
        else { return options.database }
        Log(name).event(
            "WARNING-demonstration-signatures",
            [
                "database": fallback,
                "text": "\(options.database) holds no signatures: real viruses are NOT found",
            ])
        return fallback
    }
}

extension ScanOptions {
    /// The files of signatures that would be loaded now.
    fileprivate var signatureFiles: SignatureFiles {
        SignatureFiles(in: [database] + [fallbackDatabase].compactMap(\.self))
    }
}
