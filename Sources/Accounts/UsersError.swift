// UsersError: why a users file was not changed.
// chainmail(1), user.
// SPDX-License-Identifier: MIT

public import Control
import MailModel

/// Why nothing was changed.
public enum UsersError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file has a bad line, or cannot be read or written.
    case control(ControlError)
    /// Somebody has this login already.
    case exists(login: [UInt8], file: String, line: Int)
    /// Nobody has this login.
    case missing(login: [UInt8], file: String)
    /// There is no such mailbox.
    case noMailbox(address: [UInt8], file: String)
    /// The mailbox would be in a domain that mail is not accepted for.
    case foreignDomain(address: [UInt8])
    /// Nothing is known of this domain.
    case noDomain([UInt8])
    /// Somebody else is changing the file, and took too long.
    case busy(String)

    /// One line.
    public var description: String {
        switch self {
        case .control(let error): "\(error)"
        case .exists(let login, let file, let line):
            "\(file):\(line): \(login.printable) is there already"
        case .missing(let login, let file): "\(file): no user \(login.printable)"
        case .noMailbox(let address, let file): "\(file): no mailbox \(address.printable)"
        case .foreignDomain(let address):
            "\(address.printable) is in a domain that mail is not accepted for"
        case .noDomain(let domain): "no domain \(domain.printable)"
        case .busy(let file): "\(file): another process is changing it"
        }
    }
}
