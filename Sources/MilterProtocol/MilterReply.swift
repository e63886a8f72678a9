// MilterReply: what a milter answers.
// mfdef.h of libmilter, SMFIR_*.
// SPDX-License-Identifier: MIT

/// One reply.
public enum MilterReply: Hashable, Sendable {
    /// The letters of the replies.
    public enum Code: UInt8, CaseIterable, Sendable {
        case addRecipient = 0x2B  // +
        case removeRecipient = 0x2D  // -
        case addRecipientWithParameters = 0x32  // 2
        case shutdown = 0x34  // 4
        case negotiate = 0x4F  // O
        case accept = 0x61  // a
        case replaceBody = 0x62  // b
        case `continue` = 0x63  // c
        case discard = 0x64  // d
        case changeSender = 0x65  // e
        case connectionFailure = 0x66  // f
        case addHeader = 0x68  // h
        case insertHeader = 0x69  // i
        case changeHeader = 0x6D  // m
        case progress = 0x70  // p
        case quarantine = 0x71  // q
        case reject = 0x72  // r
        case skip = 0x73  // s
        case tempfail = 0x74  // t
        case reply = 0x79  // y
    }

    /// The choice from an offer.
    case negotiate(MilterNegotiation)
    /// Go on.
    case `continue`
    /// Take it without asking further: the message, after CONNECT and HELO all of the session.
    case accept
    /// Refuse it for good: the session, the recipient or the message.
    case reject
    /// Refuse it for now.
    case tempfail
    /// Say yes and drop the message.
    case discard
    /// No more of this kind, but go on.
    case skip
    /// Wait a little longer.
    case progress
    /// Fail the connection.
    case connectionFailure
    /// 421, and close the session.
    case shutdown
    /// Refuse it with a reply of SMTP. See `MilterReplyText`.
    case reply([UInt8])
    /// A field at the end of the header.
    case addHeader(name: [UInt8], value: [UInt8])
    /// A field before the one of this index, counted from 0.
    case insertHeader(index: UInt32, name: [UInt8], value: [UInt8])
    /// Another value for the field of this name with this number, counted from 1; without a value
    /// the field goes.
    case changeHeader(index: UInt32, name: [UInt8], value: [UInt8])
    /// Another reverse-path, and parameters of MAIL.
    case changeSender([UInt8], parameters: [UInt8])
    /// One recipient more, and parameters of RCPT.
    case addRecipient([UInt8], parameters: [UInt8]?)
    /// One recipient less.
    case removeRecipient([UInt8])
    /// A piece of another body, with CRLF.
    case replaceBody([UInt8])
    /// Keep the message back, for this reason.
    case quarantine([UInt8])
}

extension MilterReply {
    /// Reads a reply, as a server does. Data where none may be are an error.
    /// - Throws: `MilterError`.
    public init(_ packet: MilterPacket) throws(MilterError) {
        guard let code = Code(rawValue: packet.code) else { throw .unknown(packet.code) }
        var fields = MilterFields(packet.data, code: packet.code)
        switch code {
        case .continue: self = .continue
        case .accept: self = .accept
        case .reject: self = .reject
        case .tempfail: self = .tempfail
        case .discard: self = .discard
        case .skip: self = .skip
        case .progress: self = .progress
        case .connectionFailure: self = .connectionFailure
        case .shutdown: self = .shutdown
        case .negotiate: self = .negotiate(try MilterNegotiation(&fields, code: packet.code))
        case .reply: self = .reply(try fields.lastString())
        case .quarantine: self = .quarantine(try fields.lastString())
        case .replaceBody: self = .replaceBody(fields.bytes())
        default: self = try MilterReply(edit: code, &fields)
        }
        try fields.end()
    }

    /// Replies of several strings.
    private init(edit code: Code, _ fields: inout MilterFields) throws(MilterError) {
        switch code {
        case .addHeader: self = .addHeader(name: try fields.string(), value: try fields.string())
        case .insertHeader:
            self = .insertHeader(
                index: try fields.number(), name: try fields.string(), value: try fields.string())
        case .changeHeader:
            self = .changeHeader(
                index: try fields.number(), name: try fields.string(), value: try fields.string())
        case .changeSender:
            let path = try fields.string()
            self = .changeSender(path, parameters: fields.isEmpty ? [] : try fields.string())
        case .addRecipient: self = .addRecipient(try fields.string(), parameters: nil)
        case .addRecipientWithParameters:
            let path = try fields.string()
            self = .addRecipient(path, parameters: fields.isEmpty ? [] : try fields.string())
        case .removeRecipient: self = .removeRecipient(try fields.string())
        default: throw .unknown(code.rawValue)
        }
    }

    /// The letter.
    public var code: Code {
        switch self {
        case .negotiate: .negotiate
        case .continue: .continue
        case .accept: .accept
        case .reject: .reject
        case .tempfail: .tempfail
        case .discard: .discard
        case .skip: .skip
        case .progress: .progress
        case .connectionFailure: .connectionFailure
        case .shutdown: .shutdown
        case .reply: .reply
        case .addHeader: .addHeader
        case .insertHeader: .insertHeader
        case .changeHeader: .changeHeader
        case .changeSender: .changeSender
        case .addRecipient(_, let parameters):
            parameters == nil ? .addRecipient : .addRecipientWithParameters
        case .removeRecipient: .removeRecipient
        case .replaceBody: .replaceBody
        case .quarantine: .quarantine
        }
    }

    /// The reply as a packet.
    public var packet: MilterPacket { MilterPacket(code.rawValue, data) }

    private var data: [UInt8] {
        var data: [UInt8] = []
        switch self {
        case .continue, .accept, .reject, .tempfail, .discard, .skip, .progress,
            .connectionFailure, .shutdown:
            break
        case .negotiate(let choice): return choice.data
        case .replaceBody(let bytes): return bytes
        case .reply(let text), .quarantine(let text), .removeRecipient(let text):
            data.append(string: text)
        case .addHeader(let name, let value):
            data.append(string: name)
            data.append(string: value)
        case .insertHeader(let index, let name, let value),
            .changeHeader(let index, let name, let value):
            data.append(number: index)
            data.append(string: name)
            data.append(string: value)
        case .changeSender(let path, let parameters):
            data.append(string: path)
            if !parameters.isEmpty { data.append(string: parameters) }
        case .addRecipient(let path, let parameters):
            data.append(string: path)
            if let parameters, !parameters.isEmpty { data.append(string: parameters) }
        }
        return data
    }
}
