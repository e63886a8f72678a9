// virus-scan-full: virus-scan with libclamav in it.
// virus-scan(8).
// SPDX-License-Identifier: MIT

import Control
import FilterKit
import Glibc
import MailModel
import UnixIO
import VirusScanner

/// What `virus-scan` becomes to serve, or to judge one message in a shell.
@main struct VirusScanFull: Filter {
    // One filter to those who read its logs and its help.
    static let name = "virus-scan"
    static let summary = ScanOptions.summary
    static let options = ScanOptions.declared

    private let options: ScanOptions
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
        temporary = setup.options["temporary"] ?? Environment.text("TMPDIR") ?? Self.memoryFolder
        var limits = ScanLimits()
        limits.size = options.size
        limits.files = options.files
        limits.depth = options.depth
        limits.time = options.timeout
        let database = VirusScanFull.database(options)
        engine = try VirusEngine(database: database, limits: limits)
        if setup.convention == .resident {
            Log(Self.name).event(
                "signatures-loaded", ["database": database, "count": "\(engine.signatures)"])
        }
    }

    mutating func open() throws(FilterError) {
        do {
            try engine.open(temporary: temporary)
        } catch {
            throw FilterError(.cannotWrite, error.description)
        }
    }

    mutating func judge(
        _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        guard request.stage == .message else {
            throw .configuration("there is nothing to scan before stage message")
        }
        let result = try scan(request)
        evidence.log("result", result.word)
        switch result {
        case .clean: return .accept(marks(result))
        case .found(let signature):
            evidence.log("signature", signature)
            return found(VirusScanFull.printable(signature), result)
        case .unscannable(let reason):
            evidence.log("reason", reason)
            return unscannable(reason, result)
        case .failed(let reason): throw FilterError(.defer, "the scan failed: \(reason)")
        }
    }

    private func found(_ name: String, _ result: ScanResult) -> Verdict {
        switch options.onFound {
        case .reject: .reject(Reply(554, EnhancedStatus(5, 7, 1), "virus found: \(name)"))
        case .discard: .discard
        case .tag: .accept(marks(result))
        }
    }

    private func unscannable(_ reason: String, _ result: ScanResult) -> Verdict {
        let text = "the message cannot be scanned for viruses (\(reason))"
        return switch options.onUnscannable {
        case .defer: .defer(EnhancedStatus(4, 7, 1), text)
        case .reject: .reject(Reply(554, EnhancedStatus(5, 7, 1), text))
        case .tag, .accept: .accept(marks(result))
        }
    }

    /// What a message carries on: a note, and where messages are tagged a field, of which nobody
    /// else's stays.
    private func marks(_ result: ScanResult) -> [Edit] {
        let note = Edit.note(name: "virus", value: Array(result.word.utf8))
        guard options.onFound == .tag || options.onUnscannable == .tag else { return [note] }
        let name = Array("X-Virus-Status".utf8)
        let value: String? =
            switch result {
            case .found(let signature): "infected (\(VirusScanFull.printable(signature)))"
            case .unscannable(let reason) where options.onUnscannable == .tag:
                "unscannable (\(reason))"
            default: nil
            }
        let field = value.flatMap { HeaderField(line: name + Array(": \($0)\n".utf8)) }
        return [note, .remove(name: name)] + (field.map { [.prepend($0)] } ?? [])
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

    /// Names come from whoever wrote the signatures; a reply takes only plain ones.
    private static func printable(_ signature: String) -> String {
        String(
            decoding: signature.utf8.prefix(100).map { byte in
                let isPlain = byte.isASCIILetter || byte.isASCIIDigit || ".-_".utf8.contains(byte)
                return isPlain ? byte : 0x3F
            }, as: UTF8.self)
    }
}

extension ScanResult {
    /// The word that logs and notes use.
    fileprivate var word: String {
        switch self {
        case .clean: "clean"
        case .found: "found"
        case .unscannable: "unscannable"
        case .failed: "failed"
        }
    }
}
