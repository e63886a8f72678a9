// RecipientOptions: what the parameters of RCPT ask for one recipient.
// RFC 3461, sections 4.1 and 4.2; RFC 6533, section 3.
// SPDX-License-Identifier: MIT

/// `NOTIFY=`: what a sender wants to be told about a recipient. RFC 3461, section 4.1.
public struct Notify: OptionSet, Hashable, Sendable {
    /// The bits of the options.
    public let rawValue: UInt8

    /// These bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Nothing whatever happens: the empty set.
    public static let never: Notify = []
    /// That it was delivered.
    public static let success = Notify(rawValue: 1)
    /// That it never will be.
    public static let failure = Notify(rawValue: 2)
    /// That it takes long.
    public static let delay = Notify(rawValue: 4)

    private static let names: [(Notify, String)] = [
        (.success, "SUCCESS"), (.failure, "FAILURE"), (.delay, "DELAY"),
    ]

    /// Reads the value of `NOTIFY=`: `NEVER` alone, or a list without blanks, in any case of the
    /// letters; nil for anything else.
    public init?(_ value: some Collection<UInt8>) {
        self = []
        if value.equalsIgnoringASCIICase("NEVER".utf8) { return }
        for word in value.split(separator: 0x2C, omittingEmptySubsequences: false) {
            guard
                let name = Notify.names.first(where: {
                    word.equalsIgnoringASCIICase($0.1.utf8)
                })
            else { return nil }
            insert(name.0)
        }
    }

    /// The value as it goes on.
    public var value: String {
        isEmpty
            ? "NEVER"
            : Notify.names.filter { contains($0.0) }.map(\.1).joined(separator: ",")
    }
}

/// `ORCPT=`: the address that the sender gave at first. RFC 3461, section 4.2.
public struct OriginalRecipient: Hashable, Sendable {
    /// The longest value of `ORCPT=`, in bytes.
    public static let maximumLength = 500

    /// The value as the client gave it, which is how it goes on: `type;address`.
    public let value: [UInt8]

    /// Reads the value of `ORCPT=`; nil when it is longer than 500 bytes, has no type, or its address
    /// is none: xtext that stands for printable ASCII, or for the type `utf-8` what RFC 6533,
    /// section 3, allows there, UTF-8 itself only where `allowsUTF8`.
    public init?(_ value: some Collection<UInt8>, allowsUTF8: Bool = true) {
        let value = Array(value)
        guard value.count <= OriginalRecipient.maximumLength,
            let semicolon = value.firstIndex(of: 0x3B), semicolon > 0,
            value[..<semicolon].allSatisfy({
                $0.isASCIILetter || $0.isASCIIDigit || $0 == 0x2D
            })
        else { return nil }
        self.value = value
        let address = value[(semicolon + 1)...]
        guard !address.isEmpty else { return nil }
        if address.contains(where: { $0 >= 0x80 }) {
            guard allowsUTF8, isUTF8, UTF8Text.isValid(address) else { return nil }
        }
        guard let decoded = XText.decoded(address.filter { $0 < 0x80 }),
            decoded.isPrintableASCII
        else { return nil }
    }

    /// The type of the address, mostly `rfc822` or `utf-8`.
    public var type: ArraySlice<UInt8> { value.prefix { $0 != 0x3B } }

    /// True for the type `utf-8`.
    public var isUTF8: Bool { type.equalsIgnoringASCIICase("utf-8".utf8) }

    /// The address without its encoding: printable ASCII, and UTF-8 where it came as such.
    public var address: [UInt8] {
        var address: [UInt8] = []
        var rest = value.dropFirst(type.count + 1)
        while let byte = rest.first {
            guard byte == 0x2B, let decoded = XText.decoded(rest.prefix(3)) else {
                address.append(byte)
                rest = rest.dropFirst()
                continue
            }
            address += decoded
            rest = rest.dropFirst(3)
        }
        return address
    }
}

/// The options of one recipient; most have none.
public struct RecipientOptions: Hashable, Sendable {
    /// What the sender wants to be told; nil when that was not said, which means failures, and
    /// delays where a host tells of them.
    public var notify: Notify?
    /// The address that the sender gave at first.
    public var orcpt: OriginalRecipient?

    /// These options.
    public init(notify: Notify? = nil, orcpt: OriginalRecipient? = nil) {
        self.notify = notify
        self.orcpt = orcpt
    }

    /// True when nothing is asked for.
    public var isEmpty: Bool { notify == nil && orcpt == nil }

    /// True when the sender wants to hear that the recipient failed.
    public var notifiesFailure: Bool { notify?.contains(.failure) ?? true }
}

extension Fields {
    /// Adds `notify` and `orcpt` where they are there; the fields belong to the recipient before
    /// them.
    mutating func append(_ options: RecipientOptions) {
        if let notify = options.notify { append("notify", notify.value) }
        if let orcpt = options.orcpt { append("orcpt", orcpt.value) }
    }
}

extension RecipientOptions {
    /// Takes a field that may be one of ours.
    /// - Returns: false for a value that is not of its form, nil when the field is none of ours.
    mutating func take(_ field: Fields.Field) -> Bool? {
        switch field.name {
        case "notify":
            notify = Notify(field.value)
            return notify != nil
        case "orcpt":
            orcpt = OriginalRecipient(field.value)
            return orcpt != nil
        default: return nil
        }
    }
}
