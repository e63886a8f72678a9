// MilterCommand: what the server's side says.
// mfdef.h of libmilter, SMFIC_*.
// SPDX-License-Identifier: MIT

/// Where a client is.
public enum MilterPeer: Hashable, Sendable {
    /// Nobody knows.
    case unknown
    /// On this host, with a socket of this path.
    case local([UInt8])
    /// At an IPv4 address, as text, and a port.
    case version4([UInt8], port: UInt16)
    /// At an IPv6 address, as text, and a port.
    case version6([UInt8], port: UInt16)
}

/// A macro and its value. A name of more than one letter has braces.
public struct MilterMacro: Hashable, Sendable {
    /// The name with its braces.
    public let name: [UInt8]
    /// The value.
    public let value: [UInt8]

    /// A macro of these parts.
    public init(_ name: [UInt8], _ value: [UInt8]) {
        self.name = name
        self.value = value
    }
}

/// One command.
public enum MilterCommand: Hashable, Sendable {
    /// The letters of the commands.
    public enum Code: UInt8, CaseIterable, Sendable {
        case abort = 0x41  // A
        case body = 0x42  // B
        case connect = 0x43  // C
        case macros = 0x44  // D
        case endOfBody = 0x45  // E
        case helo = 0x48  // H
        case quitForAnother = 0x4B  // K
        case header = 0x4C  // L
        case mail = 0x4D  // M
        case endOfHeader = 0x4E  // N
        case negotiate = 0x4F  // O
        case quit = 0x51  // Q
        case rcpt = 0x52  // R
        case data = 0x54  // T
        case unknown = 0x55  // U
    }

    /// An offer: the first command.
    case negotiate(MilterNegotiation)
    /// Macros for the command of this letter, which comes next.
    case macros(for: UInt8, [MilterMacro])
    /// A client connected: its name, or its address in brackets.
    case connect([UInt8], MilterPeer)
    /// HELO or EHLO with its argument.
    case helo([UInt8])
    /// MAIL: the path in angle brackets, then its parameters.
    case mail([[UInt8]])
    /// RCPT: the path in angle brackets, then its parameters.
    case rcpt([[UInt8]])
    /// DATA; since version 4.
    case data
    /// A command of the client that the server does not know; since version 3.
    case unknown([UInt8])
    /// A header field. Lines of its value end with LF.
    case header(name: [UInt8], value: [UInt8])
    /// The end of the header.
    case endOfHeader
    /// A piece of the body, with CRLF.
    case body([UInt8])
    /// The end of the body; a last piece may come along.
    case endOfBody([UInt8])
    /// The transaction ends here.
    case abort
    /// The connection ends here.
    case quit
    /// The session ends here, and another may begin with CONNECT; since version 6.
    case quitForAnother

    /// The letter.
    public var code: Code {
        switch self {
        case .negotiate: .negotiate
        case .macros: .macros
        case .connect: .connect
        case .helo: .helo
        case .mail: .mail
        case .rcpt: .rcpt
        case .data: .data
        case .unknown: .unknown
        case .header: .header
        case .endOfHeader: .endOfHeader
        case .body: .body
        case .endOfBody: .endOfBody
        case .abort: .abort
        case .quit: .quit
        case .quitForAnother: .quitForAnother
        }
    }

    /// The command as a packet. A NUL ends a string early; see that there is none.
    public var packet: MilterPacket { MilterPacket(code.rawValue, data) }

    private var data: [UInt8] {
        var data: [UInt8] = []
        switch self {
        case .negotiate(let offer): return offer.data
        case .body(let bytes), .endOfBody(let bytes): return bytes
        case .macros(let code, let macros):
            data.append(code)
            for macro in macros {
                data.append(string: macro.name)
                data.append(string: macro.value)
            }
        case .connect(let name, let peer):
            data.append(string: name)
            data += peer.data
        case .helo(let text), .unknown(let text): data.append(string: text)
        case .mail(let words), .rcpt(let words): for word in words { data.append(string: word) }
        case .header(let name, let value):
            data.append(string: name)
            data.append(string: value)
        case .data, .endOfHeader, .abort, .quit, .quitForAnother: break
        }
        return data
    }
}

extension MilterPeer {
    fileprivate var data: [UInt8] {
        var data: [UInt8] = []
        switch self {
        case .unknown: data.append(0x55)  // U
        case .local(let path): data.append(family: 0x4C, path, port: 0)  // L
        case .version4(let text, let port): data.append(family: 0x34, text, port: port)
        case .version6(let text, let port): data.append(family: 0x36, text, port: port)
        }
        return data
    }

    init(_ fields: inout MilterFields, code: UInt8) throws(MilterError) {
        let family = try fields.byte()
        guard family != 0x55 else {
            self = .unknown
            return
        }
        let port = try fields.shortNumber()
        let text = try fields.string()
        switch family {
        case 0x4C: self = .local(text)
        case 0x34: self = .version4(text, port: port)
        case 0x36: self = .version6(text, port: port)
        default: throw .malformed(code)
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(family: UInt8, _ text: [UInt8], port: UInt16) {
        append(family)
        append(shortNumber: port)
        append(string: text)
    }
}

extension MilterCommand {
    /// Reads a command, as a milter does.
    /// - Throws: `MilterError`.
    public init(_ packet: MilterPacket) throws(MilterError) {
        guard let code = Code(rawValue: packet.code) else { throw .unknown(packet.code) }
        var fields = MilterFields(packet.data, code: packet.code)
        switch code {
        case .negotiate: self = .negotiate(try MilterNegotiation(&fields, code: packet.code))
        case .macros:
            let subject = try fields.byte()
            let words = try fields.strings()
            guard words.count.isMultiple(of: 2) else { throw .malformed(packet.code) }
            let macros = stride(from: 0, to: words.count, by: 2).map {
                MilterMacro(words[$0], words[$0 + 1])
            }
            self = .macros(for: subject, macros)
        case .connect:
            self = .connect(try fields.string(), try MilterPeer(&fields, code: packet.code))
        case .helo: self = .helo(try fields.string())
        case .mail, .rcpt:
            let words = try fields.strings()
            guard !words.isEmpty else { throw .malformed(packet.code) }
            self = code == .mail ? .mail(words) : .rcpt(words)
        case .unknown: self = .unknown(try fields.lastString())
        case .header: self = .header(name: try fields.string(), value: try fields.string())
        case .body: self = .body(fields.bytes())
        case .endOfBody: self = .endOfBody(fields.bytes())
        case .data: self = .data
        case .endOfHeader: self = .endOfHeader
        case .abort: self = .abort
        case .quit: self = .quit
        case .quitForAnother: self = .quitForAnother
        }
        try fields.end()
    }
}
