// RunningDelivery: a delivery that an agent works on.
// delivery-protocol(7).
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

/// The connection to the agent, and what came back so far.
final class RunningDelivery {
    private(set) var plan: PlannedDelivery
    /// When it is given up, in microseconds since 1970.
    private(set) var deadline: UInt64
    private let connection: Connection
    private var received = Received()

    init(
        _ plan: PlannedDelivery, _ connection: consuming Connection, deadline: UInt64
    ) {
        self.plan = plan
        self.connection = connection
        self.deadline = deadline
    }

    /// Asks for a delivery; the first of its connection, or the next after one that was answered.
    func ask(
        _ request: DeliveryRequest, _ file: Descriptor, for plan: PlannedDelivery, deadline: UInt64
    ) throws(SystemError) {
        self.plan = plan
        self.deadline = deadline
        received = Received()
        try connection.send(
            request.fields.frame, descriptors: [file], deadline: .after(.seconds(5)))
    }

    /// The socket to poll.
    var number: Int32 { connection.descriptor.number }

    /// What is there to read was read.
    enum Progress {
        /// More must come.
        case waiting
        /// The reply is whole.
        case answered(DeliveryReply)
        /// There will be no reply.
        case lost(String)
    }

    /// Reads what came; to be called when the socket is ready.
    func advance() -> Progress {
        do throws(SystemError) {
            let got = try connection.receive(into: &received, limit: 65_536, deadline: .never)
            guard got > 0 else { return .lost("the agent went away") }
        } catch {
            return .lost("\(error)")
        }
        do throws(FieldsError) {
            let bytes = received.bytes
            guard let length = try Fields.frameLength(startingWith: bytes), bytes.count >= length
            else { return .waiting }
            let reply = try DeliveryReply(
                try Fields(frame: bytes), recipients: plan.recipients.count)
            return .answered(reply)
        } catch {
            return .lost("the agent's reply is malformed: \(error)")
        }
    }
}
