// virus-scan: asks the resident scanner, and becomes one where it is wanted.
// virus-scan(8).
// SPDX-License-Identifier: MIT

import Control
import FilterKit
import MailModel
import UnixIO

/// The small program. libclamav costs 3 ms and its signatures seconds and a gigabyte, so no
/// process that judges one message among many loads them.
@main struct VirusScan: Filter {
    static let name = "virus-scan"
    static let summary = ScanOptions.summary
    static let options = ScanOptions.declared

    private let socket: String
    private let patience: Duration

    static func main() { FilterMain.run(Self.self) }

    init(_ setup: Setup) throws {
        let options = try ScanOptions(setup.options)
        switch setup.convention {
        case .resident, .shell: try setup.becomeTwin("virus-scan-full")
        case .queue, .chain, .qfilter: break
        }
        socket = options.pool ?? VirusScan.pool(of: Root(setup.options))
        // The scan has its own limit; beyond that we wait for a worker that is free.
        patience = options.timeout + .seconds(20)
    }

    mutating func judge(
        _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
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
