// StepCall: one request to one step, by socket or by a process.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO
import Workers

/// A request on its way to a step.
struct StepCall {
    let step: Step
    let socket: String
    var request: FilterRequest
    /// The base message; nil before stage `message`.
    let message: Descriptor?
    let deadline: Deadline

    /// Asks. A resident step whose socket nobody serves is started for this message instead; one
    /// that is busy is not.
    func run() throws(StepError) -> ChainVerdict {
        switch step.convention {
        case .chain:
            guard step.workers != nil, let answer = try askResident() else {
                return try runInChainConvention()
            }
            return answer
        case .qfilter: return try runInQfilterConvention()
        case .queue: return try runInQueueConvention()
        }
    }

    /// The reply of the pool; nil when there is none.
    private func askResident() throws(StepError) -> ChainVerdict? {
        do throws(ExchangeError) {
            var reply = try Exchange.call(
                socket, request.fields, descriptors: message.map { [$0] } ?? [],
                deadline: deadline)
            let record = try StepCall.record(reply.fields)
            return try StepCall.verdict(record, reply.first.take())
        } catch ExchangeError.system(let error) where StepCall.isNobodyThere(error) {
            return nil
        } catch {
            throw StepError(error)
        }
    }

    private static func isNobodyThere(_ error: SystemError) -> Bool {
        error.call == "connect"
            && (error.errno == .noSuchFileOrDirectory || error.errno == .connectionRefused)
    }

    private static func record(_ fields: Fields) throws(ExchangeError) -> FilterReply {
        do {
            return try FilterReply(fields)
        } catch {
            throw .malformed("reply", error)
        }
    }

    /// A verdict with the file that it needs; a replacement without a file, or one that is longer
    /// than the file, is no verdict.
    static func verdict(
        _ reply: FilterReply, _ file: consuming OwnedDescriptor?
    ) throws(ExchangeError) -> ChainVerdict {
        guard case .accept(let edits) = reply.verdict, let range = edits.replacement else {
            return ChainVerdict(verdict: reply.verdict, replacement: nil)
        }
        guard let file else { throw .malformed("reply", .missing("descriptor")) }
        do throws(SystemError) {
            let status = try file.borrowed.status("replacement")
            let (end, overflow) = range.offset.addingReportingOverflow(range.length)
            guard status.st_mode & S_IFMT == S_IFREG, !overflow, end <= status.st_size else {
                throw SystemError("fstat", "replacement", .invalidArgument)
            }
        } catch {
            throw .system(error)
        }
        return ChainVerdict(verdict: reply.verdict, replacement: file)
    }
}
