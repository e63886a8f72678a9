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
    /// Only who serves has a use for a connection that stays.
    private let keeps: Bool
    private var kept: MilterLine?

    static func main() { FilterMain.run(Self.self) }

    init(_ setup: Setup) throws {
        settings = try MilterSettings(setup.options)
        keeps = setup.convention == .resident && settings.reuse > 1
    }

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

    /// Asks on the connection that is there, on a new one where that was closed meanwhile.
    private mutating func decide(
        _ request: borrowing Request
    ) throws(FilterError) -> MilterDecision {
        let deadline = Deadline.after(settings.limit)
        if let line = kept {
            kept = nil
            line.begin()
            do throws(MilterStop) {
                return try ask(line, request, deadline)
            } catch {
                // Nothing was answered, so that nothing is asked twice.
                guard case .failed(let failure) = error, failure.isEnd, !line.hasAnswered else {
                    throw error.filterError(settings)
                }
            }
        }
        do throws(MilterStop) {
            return try ask(try connect(deadline), request, deadline)
        } catch {
            throw error.filterError(settings)
        }
    }

    private func connect(_ deadline: Deadline) throws(MilterStop) -> MilterLine {
        do throws(MilterFailure) {
            let line = try MilterLine(settings, deadline: deadline)
            line.begin()
            return line
        } catch {
            throw .failed(error)
        }
    }

    private mutating func ask(
        _ line: MilterLine, _ request: borrowing Request, _ deadline: Deadline
    ) throws(MilterStop) -> MilterDecision {
        var dialog = MilterDialog(line, request, settings, deadline)
        let decision = try dialog.run(request)
        let isOpen = dialog.isInTransaction
        // Whoever said this may close its end.
        let mayStay = keeps && line.uses < settings.reuse && decision.answer != .shutdown
        if mayStay, line.rewind(isInTransaction: isOpen, dialog.limit(settings.commandLimit)) {
            kept = line
        } else {
            line.quit(isInTransaction: isOpen, dialog.limit(settings.commandLimit))
        }
        return decision
    }
}

extension MilterFailure {
    /// True when the connection was closed.
    fileprivate var isEnd: Bool {
        switch self {
        case .closed: true
        case .system(let error): [.brokenPipe, .connectionReset].contains(error.errno)
        case .garbled, .unexpected: false
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
