// LimitUnit: what a limit counts, and at which stage.
// throttle-limits(5), section UNITS.
// SPDX-License-Identifier: MIT

import MailModel

/// What is counted.
enum LimitUnit: String, CaseIterable, Sendable {
    case connections
    case messages
    case recipients
    case bytes
    case failures

    /// True when this can be counted at a stage.
    func isCounted(at stage: Stage) -> Bool {
        switch self {
        case .connections: stage == .connect
        case .messages: stage == .mail || stage == .data || stage == .message
        case .recipients: stage >= .rcpt
        case .bytes: stage == .mail || stage == .data || stage == .message
        case .failures: true
        }
    }

    /// How much one occasion is; 0 where it is not known, such as the size of a message that was
    /// not declared. A failure is 1, and nothing else is counted with it.
    func amount(of occasion: Occasion, isPerRecipient: Bool) -> UInt64 {
        guard isCounted(at: occasion.stage), occasion.isFailure == (self == .failures),
            occasion.units?.contains(self) ?? true
        else { return 0 }
        switch self {
        case .connections, .messages, .failures: return 1
        case .recipients: return isPerRecipient ? 1 : UInt64(occasion.recipients.count)
        case .bytes: return occasion.bytes ?? 0
        }
    }
}
