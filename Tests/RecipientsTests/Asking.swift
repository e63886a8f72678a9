import Control
import MailModel
import Recipients
import TestSupport

/// Asks one source as a program asks it, by its name.
func ask(
    _ address: String, _ source: String, separators: String = "", quota: Bool = false
) throws -> Presence {
    let settings = SourceSettings(
        Root("/r"), separators: Array(separators.utf8), examinesQuota: quota)
    var sources = try RecipientSources([source], settings)
    return try sources.find(Mailbox(Array(address.utf8)))
}

/// What an answer comes to, for tables: `yes`, `no`, `full`, `refused`, `unknown` or `error`.
func word(
    _ address: String, _ source: String, separators: String = "", quota: Bool = false
) -> String {
    do {
        switch try ask(address, source, separators: separators, quota: quota) {
        case .exists: return "yes"
        case .overQuota: return "full"
        case .refused: return "refused"
        case .noSuchMailbox: return "no"
        case .unknownDomain: return "unknown"
        }
    } catch {
        return "error"
    }
}
