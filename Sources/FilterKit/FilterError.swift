// FilterError: why a filter does not know, with the exit code and the reply that say so.
// filter-protocol(7), section EXIT STATUS.
// SPDX-License-Identifier: MIT

public import MailModel
import SystemPackage
public import UnixIO

/// What kept a filter from judging. Not known is temporary: every one of these is a defer.
public struct FilterError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The exit code.
    public let exit: FilterExit
    /// What happened, for the log; never shown to a client.
    public let text: String

    /// An error with this exit.
    public init(_ exit: FilterExit, _ text: String) {
        self.exit = exit
        self.text = text
    }

    /// An option, a rule or a file is wrong.
    public static func configuration(_ text: String) -> FilterError {
        FilterError(.badConfiguration, text)
    }

    /// A call that failed: no memory, no time and no space have codes of their own, everything
    /// else has the code given.
    public init(_ error: SystemError, otherwise exit: FilterExit) {
        switch error.errno {
        case .noMemory: self.init(.outOfMemory, error.description)
        case .timedOut: self.init(.timedOut, error.description)
        case .noSpace, .diskQuotaExceeded: self.init(.cannotWrite, error.description)
        default: self.init(exit, error.description)
        }
    }

    /// The text alone.
    public var description: String { text }

    /// What a client is told.
    public var reply: Reply {
        switch exit {
        case .badConfiguration:
            Reply(451, EnhancedStatus(4, 3, 5), "the mail system is not set up right")
        case .networkTrouble: Reply(451, EnhancedStatus(4, 4, 0), "temporary network trouble")
        case .outOfMemory: Reply(451, EnhancedStatus(4, 3, 0), "out of memory")
        case .timedOut: Reply(451, EnhancedStatus(4, 3, 0), "this took too long")
        default: Reply(451, EnhancedStatus(4, 3, 0), "temporary trouble with a filter")
        }
    }
}

/// Makes calls of the system; what fails is a `FilterError` with this exit code, but for those
/// errors that have one of their own.
func system<Result: ~Copyable>(
    otherwise exit: FilterExit, _ body: () throws(SystemError) -> Result
) throws(FilterError) -> Result {
    do throws(SystemError) {
        return try body()
    } catch {
        throw FilterError(error, otherwise: exit)
    }
}
