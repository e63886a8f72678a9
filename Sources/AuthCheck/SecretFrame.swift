// SecretFrame: frames that hold passwords.
// auth-protocol(7).
// SPDX-License-Identifier: MIT

import AuthProtocol
import MailModel
import SASL
import UnixIO
import Workers

/// Receives frames as `Exchange` does, and leaves no copy of the bytes behind.
enum SecretFrame {
    /// The next frame. Whoever used it calls `erase`.
    /// - Throws: `ExchangeError`; `.cutShort` when the other end closes first.
    static func receive(
        on connection: borrowing Connection, until deadline: Deadline
    ) throws(ExchangeError) -> Fields {
        var received = Received()
        defer { Secret.erase(received.bytes) }
        do {
            while true {
                let total = try Fields.frameLength(
                    startingWith: received.bytes, limit: AuthQuestion.longestFrame)
                if let total, received.bytes.count >= total { break }
                let got = try connection.receive(
                    into: &received, limit: AuthQuestion.longestFrame, deadline: deadline)
                guard got > 0 else { throw ExchangeError.cutShort(connection.object) }
            }
            return try Fields(frame: received.bytes)
        } catch let error as SystemError {
            throw .system(error)
        } catch let error as FieldsError {
            throw .malformed(connection.object, error)
        } catch {
            throw .cutShort(connection.object)
        }
    }

    /// Forgets what a frame held, for everybody who has a part of it.
    static func erase(_ fields: Fields) {
        for field in fields.all where field.name == "response" { Secret.erase(field.value) }
    }
}
