// EnvelopeOptions: what the parameters of MAIL ask for a whole message.
// RFC 3461 (RET, ENVID), RFC 6152 and 3030 (BODY), RFC 6531 (SMTPUTF8), RFC 8689 (REQUIRETLS).
// SPDX-License-Identifier: MIT

/// How much of a message a report returns. RFC 3461, section 4.3.
public enum ReturnedContent: String, CaseIterable, Sendable {
    /// `RET=FULL`: the whole message.
    case full = "FULL"
    /// `RET=HDRS`: its header only.
    case headers = "HDRS"
}

/// What a client says of the bytes of a message.
public enum BodyType: String, CaseIterable, Sendable {
    /// `BODY=7BIT`.
    case sevenBit = "7BIT"
    /// `BODY=8BITMIME`.
    case eightBitMIME = "8BITMIME"
    /// `BODY=BINARYMIME`.
    case binaryMIME = "BINARYMIME"

    /// Reads the value of `BODY=` in any case of its letters; nil for any other.
    @inlinable
    public init?(_ value: some Collection<UInt8>) {
        guard let type = BodyType.allCases.first(where: { $0.isNamed(value) }) else { return nil }
        self = type
    }

    @usableFromInline
    func isNamed(_ value: some Collection<UInt8>) -> Bool {
        value.equalsIgnoringASCIICase(rawValue.utf8)
    }
}

extension ReturnedContent {
    /// Reads the value of `RET=` in any case of its letters; nil for any other.
    public init?(_ value: some Collection<UInt8>) {
        guard
            let content = ReturnedContent.allCases.first(where: {
                value.equalsIgnoringASCIICase($0.rawValue.utf8)
            })
        else { return nil }
        self = content
    }
}

/// `ENVID=`: the sender's own name for the message. RFC 3461, section 4.4.
public struct EnvelopeID: Hashable, Sendable {
    /// The longest value of `ENVID=`, in bytes.
    public static let maximumLength = 100

    /// The xtext as the client gave it, which is how it goes on.
    public let xtext: [UInt8]

    /// Reads the value of `ENVID=`; nil when it is empty, longer than 100 bytes, no xtext, or stands
    /// for anything but printable ASCII.
    public init?(_ value: some Collection<UInt8>) {
        guard !value.isEmpty, value.count <= EnvelopeID.maximumLength,
            let decoded = XText.decoded(value), decoded.isPrintableASCII
        else { return nil }
        xtext = Array(value)
    }

    /// What the xtext stands for: printable ASCII.
    public var decoded: [UInt8] { XText.decoded(xtext) ?? [] }
}

/// The options of a message; most messages have none.
public struct EnvelopeOptions: Hashable, Sendable {
    /// How much of the message a report should return.
    public var ret: ReturnedContent?
    /// The sender's name for the message.
    public var envid: EnvelopeID?
    /// What the client said of the bytes.
    public var bodyType: BodyType?
    /// True when addresses or header may hold UTF-8, so that only a host that knows SMTPUTF8 may
    /// get the message.
    public var smtputf8 = false
    /// True when the message may only go by verified TLS to a host that knows REQUIRETLS.
    public var requireTLS = false

    /// No option.
    public init() {}

    /// True when nothing is asked for.
    public var isEmpty: Bool { self == EnvelopeOptions() }
}

extension Fields {
    /// Adds a field for each option that is there: `ret`, `envid`, `body-type`, `smtputf8` and
    /// `require-tls`.
    mutating func append(_ options: EnvelopeOptions) {
        if let ret = options.ret { append("ret", ret.rawValue) }
        if let envid = options.envid { append("envid", envid.xtext) }
        if let type = options.bodyType { append("body-type", type.rawValue) }
        if options.smtputf8 { append("smtputf8", "1") }
        if options.requireTLS { append("require-tls", "1") }
    }
}

extension EnvelopeOptions {
    /// Takes a field that may be one of ours.
    /// - Returns: false for a value that is not of its form.
    mutating func take(_ field: Fields.Field) -> Bool {
        switch field.name {
        case "ret":
            ret = ReturnedContent(field.value)
            return ret != nil
        case "envid":
            envid = EnvelopeID(field.value)
            return envid != nil
        case "body-type":
            bodyType = BodyType(field.value)
            return bodyType != nil
        case "smtputf8": smtputf8 = true
        case "require-tls": requireTLS = true
        default: break
        }
        return true
    }
}
