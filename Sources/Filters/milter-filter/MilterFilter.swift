// milter-filter: lets a milter judge, as a mail server would.
// milter-filter(8).
// SPDX-License-Identifier: MIT

import Control
import FilterKit
import MailModel
import MilterProtocol
import UnixIO

@main struct MilterFilter: Filter {
    static let name = "milter-filter"
    static let summary = "Lets a milter judge, such as opendkim or clamav-milter."
    static let operands = "SOCKET"
    static let options = MilterSettings.options

    private let settings: MilterSettings

    static func main() { FilterMain.run(Self.self) }

    init(_ setup: Setup) throws { settings = try MilterSettings(setup.options) }

    mutating func judge(
        _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        evidence["milter"] = .text("\(settings.address)")
        let decision = try decide(request)
        evidence.log("command", "\(decision.command)")
        evidence.log("answer", "\(decision.answer)")
        if let reason = decision.quarantine { evidence.log("quarantine", reason.printable) }
        return decision.verdict
    }

    /// Each message has a connection of its own. To go on with another session by QUIT_NC would
    /// save 50 microseconds, but Debian's libmilter does not answer CONNECT after it.
    private func decide(_ request: borrowing Request) throws(FilterError) -> MilterDecision {
        let deadline = Deadline.after(settings.limit)
        do throws(MilterStop) {
            let line = try connect(deadline)
            var dialog = MilterDialog(line, request, settings, deadline)
            let decision = try dialog.run(request)
            line.quit(
                isInTransaction: dialog.isInTransaction, dialog.limit(settings.commandLimit))
            return decision
        } catch {
            throw error.filterError(settings)
        }
    }

    private func connect(_ deadline: Deadline) throws(MilterStop) -> MilterLine {
        do throws(MilterFailure) {
            return try MilterLine(settings, deadline: deadline)
        } catch {
            throw .failed(error)
        }
    }
}

extension MilterStop {
    /// A milter that failed is not known, whatever it was that failed.
    fileprivate func filterError(_ settings: MilterSettings) -> FilterError {
        switch self {
        case .known(let error): error
        case .failed(.system(let error)): FilterError(error, otherwise: .networkTrouble)
        case .failed(let failure): FilterError(.defer, "\(settings.address): \(failure)")
        }
    }
}
