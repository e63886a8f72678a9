// StateRecord: one thing that happened to recipients of a message.
// queue(5), section THE STATE FILE.
// SPDX-License-Identifier: MIT

import MailModel

/// A record of a state file. Recipients are numbers: the order of the envelope counts from 0.
public enum StateRecord: Hashable, Sendable {
    /// An attempt at these recipients ended like this, at this time (microseconds since 1970);
    /// `due` is the next attempt (seconds since 1970) of what was deferred.
    case result([Int], DeliveryResult, time: UInt64, due: Int?)
    /// A DSN about these recipients is in the queue, or none is due.
    case bounced([Int], dsn: QueueID?)
    /// Instructions of this recipient were carried out, by their keys, whatever becomes of the
    /// others of his.
    case done(Int, [[UInt8]])
    /// A DSN that says that these recipients are delivered is in the queue.
    case confirmed([Int], dsn: QueueID)
    /// A DSN that says that the message is delayed is in the queue.
    case warned(dsn: QueueID)

    /// The record as it is appended.
    var line: [UInt8] {
        let frame = fields.frame
        return StateRecord.checksum(frame) + [0x20] + frame + [0x0A]
    }

    /// The CRC-32C as 8 hexadecimal digits.
    fileprivate static func checksum(_ frame: [UInt8]) -> [UInt8] {
        let digits = String(CRC32C(frame).value, radix: 16).utf8
        return Array(repeating: 0x30, count: 8 - digits.count) + digits
    }

    private var fields: Fields {
        var fields = Fields()
        switch self {
        case .result(let recipients, let result, let time, let due):
            fields.append("record", "result")
            for recipient in recipients { fields.append("recipient", recipient) }
            fields.append("time", Int(clamping: time))
            fields.append(result)
            if let due { fields.append("due", due) }
        case .bounced(let recipients, let dsn):
            fields.append("record", "bounced")
            for recipient in recipients { fields.append("recipient", recipient) }
            if let dsn { fields.append("dsn", dsn.description) }
        case .done(let recipient, let keys):
            fields.append("record", "done")
            fields.append("recipient", recipient)
            for key in keys { fields.append("done", key) }
        case .confirmed(let recipients, let dsn):
            fields.append("record", "confirmed")
            for recipient in recipients { fields.append("recipient", recipient) }
            fields.append("dsn", dsn.description)
        case .warned(let dsn):
            fields.append("record", "warned")
            fields.append("dsn", dsn.description)
        }
        return fields
    }

    /// Reads a record.
    /// - Throws: `FieldsError`.
    init(_ fields: Fields) throws(FieldsError) {
        var recipients: [Int] = []
        for field in fields.all where field.name == "recipient" {
            guard let number = field.value.decimalValue else { throw .badValue("recipient") }
            recipients.append(number)
        }
        switch fields.text("record") {
        case "result":
            let due = fields["due"] == nil ? nil : try fields.number("due")
            self = .result(
                recipients, try DeliveryResult(group: fields.all),
                time: UInt64(clamping: try fields.number("time")), due: due)
        case "bounced":
            self = .bounced(recipients, dsn: fields["dsn"].flatMap { QueueID($0) })
        case "done":
            guard let recipient = recipients.first else { throw .missing("recipient") }
            self = .done(recipient, fields.all.filter { $0.name == "done" }.map(\.value))
        case "confirmed", "warned":
            guard let dsn = fields["dsn"].flatMap({ QueueID($0) }) else { throw .badValue("dsn") }
            self =
                fields.text("record") == "warned"
                ? .warned(dsn: dsn) : .confirmed(recipients, dsn: dsn)
        default: throw .badValue("record")
        }
    }
}

/// What a state file holds.
struct StateContents: Equatable {
    /// The records in order.
    var records: [StateRecord] = []
    /// Where the last of them ends; whatever follows is what a crash left.
    var validLength = 0
    /// True when something follows.
    var isCut = false

    /// Reads a state file. What cannot be read at its end is left out.
    /// - Throws: `QueueError.damaged` when a right record follows a wrong one.
    init(_ bytes: [UInt8], _ name: @autoclosure () -> String) throws(QueueError) {
        var rest = bytes[...]
        while let record = StateContents.nextRecord(from: &rest) { records.append(record) }
        validLength = rest.startIndex
        isCut = !rest.isEmpty
        while !rest.isEmpty {
            var after = rest
            guard StateContents.nextRecord(from: &after) == nil else {
                throw .damaged(name(), "a wrong record at byte \(validLength)")
            }
            rest.removeFirst()
        }
    }

    /// Takes a record off the front; nil, and nothing taken, when there is no right one.
    private static func nextRecord(from rest: inout ArraySlice<UInt8>) -> StateRecord? {
        let start = rest.startIndex
        guard rest.count > 9, rest[start + 8] == 0x20 else { return nil }
        let body = rest[(start + 9)...]
        guard let length = try? Fields.frameLength(startingWith: Array(body.prefix(16))),
            body.count > length, body[body.startIndex + length] == 0x0A
        else { return nil }
        let frame = Array(body.prefix(length))
        guard rest.prefix(8).elementsEqual(StateRecord.checksum(frame)),
            let fields = try? Fields(frame: frame),
            let record = try? StateRecord(fields)
        else { return nil }
        rest = rest[(body.startIndex + length + 1)...]
        return record
    }
}
