// StepError: why a step gave no verdict.
// filters.d(5).
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO
import Workers

/// A step did not decide. All of it is "not known".
enum StepError: Error, CustomStringConvertible {
    /// No free worker, or no answer, in time.
    case timedOut(String)
    /// It could not be started or asked, or it ended or answered as it must not.
    case failed(String)

    init(_ error: ExchangeError) {
        self = error.isTimeout ? .timedOut(error.description) : .failed(error.description)
    }

    init(_ error: SystemError) {
        self = error.errno == .timedOut ? .timedOut(error.description) : .failed(error.description)
    }

    /// Does something and makes of whatever it throws what a step may throw.
    static func translated<Result: ~Copyable>(
        _ body: () throws -> Result
    ) throws(StepError) -> Result {
        do {
            return try body()
        } catch let error as StepError {
            throw error
        } catch let error as SystemError {
            throw StepError(error)
        } catch {
            throw .failed("\(error)")
        }
    }

    /// What the client is told.
    var verdict: Verdict {
        switch self {
        case .timedOut:
            .defer(EnhancedStatus(4, 3, 2), "too busy to check this now, try again later")
        case .failed: .defer(EnhancedStatus(4, 3, 0), "this cannot be checked now, try again later")
        }
    }

    var description: String {
        switch self {
        case .timedOut(let text), .failed(let text): text
        }
    }
}
