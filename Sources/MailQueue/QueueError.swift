// QueueError: why the queue could not do something.
// queue(5).
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO
import Workers

/// What went wrong with the queue, its service or one of its files.
public enum QueueError: Error, Equatable, CustomStringConvertible {
    /// A system call failed.
    case system(SystemError)
    /// Nobody listens at the socket.
    case unavailable(String)
    /// The service did not answer in time.
    case timedOut(String)
    /// The service answered what is no answer, or went away in the middle of one.
    case badAnswer(String)
    /// The service said no.
    case refused(Reply, FilterExit)
    /// The request or the descriptor that came with it is not what it must be.
    case badRequest(String)
    /// A file of the queue is not what it must be: which, and how.
    case damaged(String, String)

    init(_ error: ExchangeError, _ socket: String) {
        switch error {
        case .system(let system):
            switch system.errno {
            case .timedOut: self = .timedOut(socket)
            case .noSuchFileOrDirectory, .connectionRefused: self = .unavailable(socket)
            case .brokenPipe, .connectionReset: self = .badAnswer(socket)
            default: self = .system(system)
            }
        case .cutShort, .malformed: self = .badAnswer(socket)
        }
    }

    /// What happened, on one line.
    public var description: String {
        switch self {
        case .system(let error): error.description
        case .unavailable(let socket): "\(socket): nobody listens"
        case .timedOut(let socket): "\(socket): no answer in time"
        case .badAnswer(let socket): "\(socket): no valid answer"
        case .refused(let reply, _): reply.description
        case .badRequest(let what): "bad request: \(what)"
        case .damaged(let file, let how): "\(file): \(how)"
        }
    }

    /// What a client is told.
    public var outcome: QueueOutcome {
        switch self {
        case .system(let error): .refused(QueueRefusal(error))
        case .unavailable, .badAnswer: .refused(.unavailable)
        case .timedOut: .refused(.timedOut)
        case .refused(let reply, let exit): .refused(reply, exit)
        case .badRequest(let what): .refused(.badRequest(what))
        case .damaged: .refused(.cannotRead)
        }
    }
}

extension QueueRefusal {
    /// The refusal that a failed system call leads to.
    public init(_ error: SystemError) {
        switch error.errno {
        case .noSpace, .diskQuotaExceeded, .fileTooLarge: self = .diskFull
        case .fileExists: self = .duplicate
        case .timedOut: self = .timedOut
        default: self = error.call.hasPrefix("pread") ? .cannotRead : .cannotWrite
        }
    }
}
