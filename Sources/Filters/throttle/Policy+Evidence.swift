// Policy+Evidence: what was counted under which key, for --explain.
// throttle(8), section EVIDENCE.
// SPDX-License-Identifier: MIT

import Counters
import FilterKit
import MailModel

extension Policy {
    /// One object for each charge.
    static func evidence(
        _ charges: [Charge], _ owners: [Int?], _ outcome: ChargeOutcome
    ) -> [JSON] {
        let over = Set(outcome.over)
        return charges.enumerated().compactMap { index, charge in
            let name = CounterName(charge.key)
            var members: [JSON.Member] = [
                .init("limit", .text(name?.limit ?? "")), .init("key", .text(name?.value ?? "")),
            ]
            switch charge.kind {
            case .take(_, let units, _), .record(_, let units):
                members.append(.init("units", .number(Int(clamping: units))))
            case .look: members.append(.init("units", .number(0)))
            case .paceWhenOver where outcome.waits[index] == nil: return nil
            case .pace, .paceWhenOver: break
            }
            if let wait = outcome.waits[index] {
                members.append(.init("wait", .number(Int(clamping: wait))))
            } else if owners[index] != nil {
                members.append(.init("over", .flag(over.contains(index))))
            }
            return .object(members)
        }
    }
}
