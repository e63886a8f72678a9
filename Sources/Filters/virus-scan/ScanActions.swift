// ScanActions: what comes of a scan, in both programs of virus-scan: every reply that it gives.
// virus-scan(8).
// SPDX-License-Identifier: MIT

import Control
import FilterKit
import MailModel
import Quarantine
import Scanning
import UnixIO

/// Turns results into verdicts, and keeps messages.
struct ScanActions: Sendable {
    let options: ScanOptions
    private let quarantine: QuarantineFolder

    init(_ options: ScanOptions) {
        self.options = options
        quarantine = QuarantineFolder(options.quarantine)
    }

    /// Looks whether messages can be kept, before one must be.
    func open() throws(FilterError) {
        guard options.usesQuarantine else { return }
        do throws(QuarantineError) {
            try quarantine.prepare()
        } catch {
            throw .configuration("quarantine: \(error)")
        }
    }

    func verdict(
        _ result: ScanResult, _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        evidence.log("result", result.word)
        switch result {
        case .clean: return .accept(marks(result))
        case .found(let signature):
            evidence.log("signature", signature)
            return try found(signature, result, request, &evidence)
        case .unscannable(let reason):
            evidence.log("reason", reason)
            return try unscannable(reason, result, request, &evidence)
        case .failed(let reason): throw FilterError(.defer, "the scan failed: \(reason)")
        }
    }

    private func found(
        _ signature: String, _ result: ScanResult, _ request: borrowing Request,
        _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        let kind = BlockedContent.allCases.first { $0.includes(signature) }
        let what = kind?.words ?? "virus"
        let text = "\(what) found: \(ScanActions.printable(signature))"
        switch options.onFound {
        case .reject: return .reject(Reply(554, EnhancedStatus(5, 7, 1), text))
        case .discard: return .discard
        case .tag: return .accept(marks(result))
        case .quarantine: return try keep(signature, request, &evidence)
        }
    }

    private func unscannable(
        _ reason: String, _ result: ScanResult, _ request: borrowing Request,
        _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        let text = "the message cannot be scanned for viruses (\(reason))"
        switch options.onUnscannable {
        case .defer: return .defer(EnhancedStatus(4, 7, 1), text)
        case .reject: return .reject(Reply(554, EnhancedStatus(5, 7, 1), text))
        case .tag, .accept: return .accept(marks(result))
        case .quarantine: return try keep("unscannable: \(reason)", request, &evidence)
        }
    }

    /// What a message carries on: a note, and fields, of whose names nobody else's stay.
    private func marks(_ result: ScanResult) -> [Edit] {
        let note = Edit.note(name: "virus", value: Array(result.word.utf8))
        var edits = [note]
        if options.onFound == .tag || options.onUnscannable == .tag {
            let value: String? =
                switch result {
                case .found(let signature): "infected (\(ScanActions.printable(signature)))"
                case .unscannable(let reason) where options.onUnscannable == .tag:
                    "unscannable (\(reason))"
                default: nil
                }
            edits += ScanActions.field("X-Virus-Status", value)
        }
        if options.addsField {
            let value = "\(result.word) (chainmail virus-scan \(chainmailVersion))"
            edits += ScanActions.field("X-Virus-Scanned", value)
        }
        return edits
    }

    private static func field(_ name: String, _ value: String?) -> [Edit] {
        let field = value.flatMap { HeaderField(name, $0) }
        return [.remove(name: Array(name.utf8))] + (field.map { [.prepend($0)] } ?? [])
    }

    /// Keeps the message as a later step would see it, durably, and only then drops it.
    private func keep(
        _ reason: String, _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        guard !request.isTrial else { return .discard }
        let message = QuarantinedMessage(
            time: WallClock.microseconds, random: Random.bits, filter: "virus-scan",
            reason: reason, envelope: request.envelope, facts: request.facts)
        do throws(QuarantineError) {
            let file = try quarantine.newFile()
            try write(request, file.descriptor.borrowed)
            try quarantine.keep(file, as: message)
        } catch {
            // Not kept is not dropped.
            throw FilterError(.cannotWrite, "quarantine: \(error)")
        }
        evidence.log("quarantine", "\(message.id)")
        return .discard
    }

    private func write(
        _ request: borrowing Request, _ file: Descriptor
    ) throws(QuarantineError) {
        do throws(FilterError) {
            try request.message.write(to: file, "quarantine")
        } catch {
            throw .damaged("message", error.text)
        }
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
