// LimitUnit: what a limit counts, and at which stage.
// throttle(8), section UNITS.
// SPDX-License-Identifier: MIT

import FilterKit
import MailModel

/// What is counted.
enum LimitUnit: String, CaseIterable, Sendable {
    case connections
    case messages
    case recipients
    case bytes

    /// True when this can be counted at a stage.
    func isCounted(at stage: Stage) -> Bool {
        switch self {
        case .connections: stage == .connect
        case .messages: stage == .mail || stage == .data || stage == .message
        case .recipients: stage >= .rcpt
        case .bytes: stage == .mail || stage == .data || stage == .message
        }
    }

    /// How much one request is; 0 where it is not known, such as the size of a message that was
    /// not declared.
    func amount(of request: borrowing Request, isPerRecipient: Bool) -> UInt64 {
        guard isCounted(at: request.stage) else { return 0 }
        switch self {
        case .connections, .messages: return 1
        case .recipients: return isPerRecipient ? 1 : UInt64(request.recipients.count)
        case .bytes:
            guard request.stage != .message else { return UInt64(request.message.baseLength) }
            return request.facts[.declaredSize]?.decimalValue.map { UInt64($0) } ?? 0
        }
    }
}
