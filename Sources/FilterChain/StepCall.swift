// StepCall: one request to one step, by socket or by a process.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO
import Workers

/// What a step answered, with the file that it needs.
struct StepAnswer: ~Copyable {
    var reply: FilterReply
    var replacement: OwnedDescriptor?
}

/// A request on its way to a step.
struct StepCall {
    let step: Step
    /// Where the step works, as the chain does.
    let root: Root
    var request: FilterRequest
    /// The base message; nil before stage `message`.
    let message: Descriptor?
    let deadline: Deadline
    /// False for whoever must not start filters.
    var mayStart = true

    /// Asks. A resident step that has no socket is started for this message instead; one that is
    /// busy, or whose socket nobody serves at this moment, is not.
    func run() throws(StepError) -> StepAnswer {
        let answer = try askOrStart()
        if case .accept(let edits) = answer.reply.verdict, edits.replacement != nil,
            request.stage != .message
        {
            throw .failed("it gave a message where there is none yet")
        }
        return answer
    }

    /// Also a step without workers has a socket where whoever runs the chain is another user than
    /// its filters: `StepService`.
    private func askOrStart() throws(StepError) -> StepAnswer {
        if let answer = try askResident() { return answer }
        guard mayStart else { throw .failed("\(step.name) has no socket") }
        return try start()
    }

    /// Starts the step's program for this request.
    func start() throws(StepError) -> StepAnswer {
        switch step.convention {
        case .chain: try runInChainConvention()
        case .qfilter: try runInQfilterConvention()
        case .queue: try runInQueueConvention()
        }
    }

    /// The reply of the pool; nil when there is none.
    private func askResident() throws(StepError) -> StepAnswer? {
        do throws(ExchangeError) {
            var reply = try Exchange.call(
                root.filterSocket(step.name), request.fields,
                descriptors: message.map { [$0] } ?? [],
                deadline: deadline)
            let record = try StepCall.record(reply.fields)
            return try StepCall.answer(record, reply.first.take())
        } catch ExchangeError.system(let error) where StepCall.isNoSocket(error) {
            return nil
        } catch {
            throw StepError(error)
        }
    }

    /// A long path is connected to by way of its folder, which must be opened first.
    private static func isNoSocket(_ error: SystemError) -> Bool {
        (error.call == "connect" || error.call == "open") && error.errno == .noSuchFileOrDirectory
    }

    private static func record(_ fields: Fields) throws(ExchangeError) -> FilterReply {
        do {
            return try FilterReply(fields)
        } catch {
            throw .malformed("reply", error)
        }
    }

    /// A reply with the file that it needs; a replacement without a file, or one that is longer
    /// than the file, is no answer. Others get the file through a descriptor of our own.
    private static func answer(
        _ reply: FilterReply, _ file: consuming OwnedDescriptor?
    ) throws(ExchangeError) -> StepAnswer {
        guard case .accept(let edits) = reply.verdict, let range = edits.replacement else {
            return StepAnswer(reply: reply, replacement: nil)
        }
        guard let file else { throw .malformed("reply", .missing("descriptor")) }
        do throws(SystemError) {
            let status = try file.borrowed.status("replacement")
            let (end, overflow) = range.offset.addingReportingOverflow(range.length)
            guard status.st_mode & S_IFMT == S_IFREG, !overflow, end <= status.st_size else {
                throw SystemError("fstat", "replacement", .invalidArgument)
            }
            return StepAnswer(reply: reply, replacement: try file.reopenedForReading())
        } catch {
            throw .system(error)
        }
    }
}
