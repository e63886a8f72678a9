// ResidentClient: asking another filter's pool.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

public import MailModel
public import UnixIO
import Workers

extension Request {
    /// Passes this request on to the pool behind a socket.
    /// - Throws: `FilterError` with exit 56 when nobody answers or the answer is none, 52 when
    ///   it does not come in time.
    public func ask(_ socket: String, deadline: Deadline) throws(FilterError) -> FilterReply {
        var wire = wire
        do {
            guard wire.stage == .message else {
                return try Request.call(socket, wire, [], deadline)
            }
            let base = try message.baseDescriptor()
            wire.messageOffset = base.offset
            wire.messageLength = base.length
            return try Request.call(socket, wire, [base.descriptor.borrowed], deadline)
        } catch let error as FilterError {
            throw error
        } catch let error as ExchangeError {
            throw FilterError(error.isTimeout ? .timedOut : .networkTrouble, "\(error)")
        } catch {
            throw FilterError(.networkTrouble, "\(socket): not a reply: \(error)")
        }
    }

    private static func call(
        _ socket: String, _ wire: FilterRequest, _ descriptors: [Descriptor], _ deadline: Deadline
    ) throws -> FilterReply {
        let reply = try Exchange.call(
            socket, wire.fields, descriptors: descriptors, deadline: deadline)
        return try FilterReply(reply.fields)
    }
}
