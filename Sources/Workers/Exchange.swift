// Exchange: one request and one reply over a connection of its own.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

/// Why an exchange gave no answer. Whoever asked does not know, so he defers.
public enum ExchangeError: Error, Equatable, CustomStringConvertible {
    /// A call failed; `ETIMEDOUT` when the time was over.
    case system(SystemError)
    /// The other end went away before its frame was whole.
    case cutShort(String)
    /// The other end sent what is not a frame.
    case malformed(String, FieldsError)

    /// True when the time ran out, so that the pool was busy or its worker hangs.
    public var isTimeout: Bool {
        if case .system(let error) = self { error.errno == .timedOut } else { false }
    }

    /// What happened and to which socket.
    public var description: String {
        switch self {
        case .system(let error): error.description
        case .cutShort(let object): "receive \(object): the frame was cut short"
        case .malformed(let object, let error): "receive \(object): not a frame: \(error)"
        }
    }
}

/// A frame and the descriptors that came with it.
public struct Message: ~Copyable {
    /// What the frame holds.
    public let fields: Fields
    /// The first descriptor that came along; taken out by whom keeps it.
    public var first: OwnedDescriptor?
    /// The second.
    public var second: OwnedDescriptor?
}

/// Both ends of a round trip.
public enum Exchange {
    /// Connects, sends a request with descriptors and waits for the reply.
    /// - Throws: `ExchangeError`.
    public static func call(
        _ path: String, _ request: Fields, descriptors: [Descriptor] = [], deadline: Deadline
    ) throws(ExchangeError) -> Message {
        let connection: Connection
        do {
            connection = try UnixSocket.connect(to: path, deadline: deadline)
        } catch {
            throw .system(error)
        }
        try send(request, descriptors: descriptors, on: connection, deadline: deadline)
        return try receive(on: connection, deadline: deadline)
    }

    /// Sends one frame.
    /// - Throws: `ExchangeError`.
    public static func send(
        _ fields: Fields, descriptors: [Descriptor] = [], on connection: borrowing Connection,
        deadline: Deadline
    ) throws(ExchangeError) {
        do {
            try connection.send(fields.frame, descriptors: descriptors, deadline: deadline)
        } catch {
            throw .system(error)
        }
    }

    /// Receives one frame. Who accepts a connection says until when its first byte must come: it
    /// mostly is there already, and is read before it is waited for.
    /// - Throws: `ExchangeError`; `.cutShort` when the other end closes first, which is also how
    ///   a client that goes away without a word looks.
    public static func receive(
        on connection: borrowing Connection, limit: Int = Fields.maximumLength,
        firstByte: Deadline? = nil, deadline: Deadline
    ) throws(ExchangeError) -> Message {
        var received = Received()
        do {
            while true {
                let total = try Fields.frameLength(startingWith: received.bytes, limit: limit)
                if let total, received.bytes.count >= total { break }
                let first = received.bytes.isEmpty ? firstByte : nil
                let got = try connection.receive(
                    into: &received, limit: 16_384, deadline: first ?? deadline,
                    isExpected: first != nil)
                guard got > 0 else { throw ExchangeError.cutShort(connection.object) }
            }
            let fields = try Fields(frame: received.bytes)
            return Message(
                fields: fields, first: received.first.take(), second: received.second.take())
        } catch let error as SystemError {
            throw .system(error)
        } catch let error as FieldsError {
            throw .malformed(connection.object, error)
        } catch {
            throw .cutShort(connection.object)
        }
    }
}
