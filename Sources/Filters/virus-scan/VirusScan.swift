// virus-scan: asks the resident scanner or clamd, and becomes a scanner where it is wanted.
// virus-scan(8).
// SPDX-License-Identifier: MIT

import Control
import FilterKit
import MailModel
import Scanning
import UnixIO

/// The small program. libclamav costs 3 ms and its signatures seconds and a gigabyte, so no
/// process that judges one message among many loads them.
@main struct VirusScan: Filter {
    static let name = "virus-scan"
    static let summary = ScanOptions.summary
    static let options = ScanOptions.declared

    private enum Scanner {
        case pool(String)
        case clamd(ClamdScanner)
    }

    private let actions: ScanActions
    private let scanner: Scanner
    private let patience: Duration

    static func main() { FilterMain.run(Self.self) }

    init(_ setup: Setup) throws {
        let options = try ScanOptions(setup.options)
        actions = ScanActions(options)
        // The scan has its own limit; beyond that we wait for a worker that is free.
        patience = options.limits.time + .seconds(20)
        guard options.clamd.isEmpty else {
            let clamd = ClamdScanner(options)
            if setup.convention == .resident { clamd.probe(Log(Self.name)) }
            scanner = .clamd(clamd)
            return
        }
        switch setup.convention {
        case .resident, .shell: try setup.becomeTwin("virus-scan-full")
        case .queue, .chain, .qfilter: break
        }
        scanner = .pool(options.pool ?? VirusScan.pool(of: Root(setup.options)))
    }

    mutating func open() throws(FilterError) {
        // A pool keeps messages itself.
        if case .clamd = scanner { try actions.open() }
    }

    mutating func judge(
        _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        switch scanner {
        case .pool(let socket): return ask(socket, request, &evidence)
        case .clamd(let clamd):
            let result = try clamd.scan(request, &evidence)
            return try actions.verdict(result, request, &evidence)
        }
    }

    private func ask(
        _ socket: String, _ request: borrowing Request, _ evidence: inout Evidence
    ) -> Verdict {
        do {
            let reply = try request.ask(socket, deadline: .after(patience))
            if !reply.evidence.isEmpty { evidence.log("scanner", reply.evidence) }
            return reply.verdict
        } catch {
            // Without a pool nothing is scanned, and what is not scanned does not pass.
            evidence.log("pool", error.text)
            return .defer(EnhancedStatus(4, 3, 2), "the virus scanner is not available")
        }
    }

    /// The socket of the step that scans, whatever its number in filters.d is.
    private static func pool(of root: Root) -> String {
        let folder = root.filterSocket("")
        let steps = ((try? Files.names(in: folder)) ?? []).sorted()
        let step = steps.first { step in
            step.drop { $0.isNumber } == "-virus-scan"
        }
        return step.map(root.filterSocket) ?? root.socket("virus-scan")
    }
}
