// HeaderRewriter: from the header that a program wrote to the one that is sent, and the envelope.
// RFC 5322, section 3.6; qmail-inject(8).
// SPDX-License-Identifier: MIT

import MailModel
import MailQueue

/// A header and its envelope.
public struct InjectedHeader: Hashable, Sendable {
    /// The fields, each with its line end, without the empty line.
    public var bytes: [UInt8]
    /// The reverse-path and the recipients.
    public var envelope: Envelope
}

/// Adds what is missing, removes what is not to be sent, and completes addresses.
public struct HeaderRewriter {
    private enum Fields {
        static let to: Set = ["to", "cc", "bcc", "apparently-to"]
        static let resentTo: Set = ["resent-to", "resent-cc", "resent-bcc"]
        static let from: Set = [
            "from", "sender", "reply-to", "errors-to", "return-receipt-to", "mail-followup-to",
            "disposition-notification-to", "resent-from", "resent-sender", "resent-reply-to",
        ]
        static let resent = resentTo.union([
            "resent-from", "resent-sender", "resent-reply-to", "resent-date", "resent-message-id",
        ])
        /// Never sent.
        static let dropped: Set = ["bcc", "resent-bcc", "return-path", "content-length"]
    }

    let style: InjectionStyle
    let request: InjectionRequest
    let injector: Injector
    let names: DefaultNames
    /// Seconds since 1970.
    let now: Int
    /// Unique; for Message-ID and the reverse-path of one message.
    let id: String

    /// A rewriter for one message.
    public init(
        _ style: InjectionStyle, _ request: InjectionRequest, _ injector: Injector,
        _ names: DefaultNames, now: Int, id: String
    ) {
        self.style = style
        self.request = request
        self.injector = injector
        self.names = names
        self.now = now
        self.id = id
    }

    /// Rewrites a header.
    /// - Throws: `InjectionError.data` for an address that a recipient, or the reverse-path, is to be
    ///   and that is none. Other addresses that are none are left as they are.
    func rewrite(_ fields: [InjectedField]) throws(InjectionError) -> InjectedHeader {
        let seen = Set(fields.map { String(decoding: $0.name, as: UTF8.self) })
        let isResent = !seen.isDisjoint(with: Fields.resent)
        var returnPath: ReversePath?
        var kept: [UInt8] = []
        for field in fields {
            let name = String(decoding: field.name, as: UTF8.self)
            if name == "return-path", request.sender == nil, !injector.dropsReturnPath {
                if returnPath == nil { returnPath = try self.returnPath(field) }
            }
            let isReplaced =
                name == "from" && injector.dropsFrom
                || name == "message-id" && injector.dropsMessageID
            guard !isReplaced, !Fields.dropped.contains(name) else { continue }
            kept += isOfAddresses(name) ? completed(field) : field.bytes
        }
        let reversePath: ReversePath
        if let returnPath { reversePath = returnPath } else { reversePath = try ownPath() }
        let envelope = try envelope(reversePath, fields, isResent)
        let added = try addedFields(
            seen, prefix: isResent ? "Resent-" : "", sender: reversePath.mailbox)
        return InjectedHeader(bytes: added + kept, envelope: envelope)
    }

    private func isOfAddresses(_ name: String) -> Bool {
        Fields.to.contains(name) || Fields.resentTo.contains(name) || Fields.from.contains(name)
    }

    /// A field with its addresses completed; as it is where it is no list of addresses.
    private func completed(_ field: InjectedField) -> [UInt8] {
        let body = field.body
        guard let list = try? AddressList(body) else { return field.bytes }
        var bytes = Array(field.bytes[..<field.bodyStart])
        var copied = 0
        for address in list.addresses where !address.isEmpty {
            guard let mailbox = try? names.completed(address.localPart, address.domain),
                mailbox.bytes != address.localPart + [0x40] + (address.domain ?? [])
            else { continue }
            bytes += body[copied..<address.range.lowerBound] + mailbox.quoted
            copied = address.range.upperBound
        }
        return bytes + body[copied...]
    }

    /// Date, Message-ID, From and a field of recipients, where there is none.
    private func addedFields(
        _ seen: Set<String>, prefix: String, sender: Mailbox?
    ) throws(InjectionError) -> [UInt8] {
        let lower = prefix.utf8.asciiLowercased.printable
        var bytes: [UInt8] = []
        func add(_ name: String, _ body: [UInt8]) {
            bytes += Array("\(prefix)\(name): ".utf8) + body + [0x0A]
        }
        if !seen.contains("\(lower)date") { add("Date", Array("\(MailDate(seconds: now))".utf8)) }
        let drops = prefix.isEmpty
        if !seen.contains("\(lower)message-id") || drops && injector.dropsMessageID {
            add("Message-ID", Array("<\(id)@".utf8) + names.idHost + [0x3E])
        }
        if !seen.contains("\(lower)from") || drops && injector.dropsFrom {
            add("From", try author(sender))
        }
        if !seen.contains("\(lower)to"), !seen.contains("\(lower)cc") {
            add("Cc", Array("recipient list not shown: ;".utf8))
        }
        return bytes
    }

    /// Who writes: the user, or with sendmail's `-f` whom that names.
    private func author(_ sender: Mailbox?) throws(InjectionError) -> [UInt8] {
        var address = try whole(injector.user, injector.host)
        if style == .sendmail, request.sender != nil, let sender = sender?.withoutMark {
            address = sender
        }
        return HeaderWords.mailbox(
            address, request.fullName ?? injector.fullName, asComment: injector.namesByComment)
    }

    private func whole(_ user: [UInt8], _ host: [UInt8]?) throws(InjectionError) -> Mailbox {
        do throws(AddressError) {
            return try names.completed(user, host)
        } catch {
            throw .data("\(user.printable): \(error)")
        }
    }
}

extension HeaderRewriter {
    /// What `-f` says, else the user's own.
    private func ownPath() throws(InjectionError) -> ReversePath {
        if let sender = request.sender {
            let isAngled = sender.first == 0x3C && sender.last == 0x3E && sender.count > 1
            let bare = isAngled ? Array(sender.dropFirst().dropLast()) : sender
            guard !bare.isEmpty else { return .null }
            return .mailbox(try bareAddress(bare))
        }
        var user = injector.senderUser
        if injector.isPerMessage { user += "-\(now).\(id.prefix { $0 != "-" })".utf8 }
        if injector.isPerRecipient { user.append(0x2D) }
        return try marked(try whole(user, injector.senderHost))
    }

    /// With qmail's mark where each recipient is to have a reverse-path of its own.
    private func marked(_ mailbox: Mailbox) throws(InjectionError) -> ReversePath {
        guard injector.isPerRecipient else { return .mailbox(mailbox) }
        guard let path = try? ReversePath(mailbox.bytes + "-@[]".utf8) else {
            throw .data("\(mailbox): \(AddressError.tooLong)")
        }
        return path
    }

    private func returnPath(_ field: InjectedField) throws(InjectionError) -> ReversePath {
        guard let address = try list(field).addresses.first, !address.isEmpty else { return .null }
        let mailbox: Mailbox
        do throws(AddressError) {
            mailbox = try names.completed(address.localPart, address.domain)
        } catch {
            throw .data("Return-Path: \(error)")
        }
        return try marked(mailbox)
    }

    /// Each recipient once, in order.
    private func envelope(
        _ reversePath: ReversePath, _ fields: [InjectedField], _ isResent: Bool
    ) throws(InjectionError) -> Envelope {
        var all: [Mailbox] = []
        let sources = request.recipients
        let takesArguments = sources != .header
        let takesHeader =
            sources == .header || sources == .both
            || sources == .either && request.arguments.isEmpty
        if takesArguments {
            for argument in request.arguments { all += try recipients(argument) }
        }
        if takesHeader { all += try recipients(of: fields, isResent) }
        var envelope = Envelope(reversePath: reversePath)
        var seen: Set<Mailbox> = []
        for mailbox in all where seen.insert(mailbox).inserted { envelope.append(mailbox) }
        guard !envelope.recipients.isEmpty else { throw .data("there is no recipient") }
        return envelope
    }

    /// The addresses of a word of the command line. qmail-inject takes it as an envelope has it,
    /// sendmail as a field does.
    private func recipients(_ argument: [UInt8]) throws(InjectionError) -> [Mailbox] {
        guard style == .sendmail, let list = try? AddressList(argument) else {
            return [try bareAddress(argument)]
        }
        return try mailboxes(of: list, "\(argument.printable)")
    }

    private func bareAddress(_ bytes: [UInt8]) throws(InjectionError) -> Mailbox {
        do throws(AddressError) {
            return try names.completed(bare: bytes)
        } catch {
            throw .data("\(bytes.printable): \(error)")
        }
    }

    /// A message that is sent on goes to whom it is sent on to: to those of the first such block,
    /// not of the earlier ones below it. RFC 5322, section 3.6.6.
    private func recipients(
        of fields: [InjectedField], _ isResent: Bool
    ) throws(InjectionError) -> [Mailbox] {
        var all: [Mailbox] = []
        var block: Set<String> = []
        for field in fields {
            let name = String(decoding: field.name, as: UTF8.self)
            if isResent, Fields.resent.contains(name), !block.insert(name).inserted { break }
            guard (isResent ? Fields.resentTo : Fields.to).contains(name) else { continue }
            all += try mailboxes(of: try list(field), name)
        }
        return all
    }

    private func list(_ field: InjectedField) throws(InjectionError) -> AddressList {
        do throws(AddressError) {
            return try AddressList(field.body)
        } catch {
            let name = field.bytes[..<(field.bodyStart - 1)].printable
            throw .data("field \(name) is no list of addresses: \(error)")
        }
    }

    private func mailboxes(
        of list: AddressList, _ what: String
    ) throws(InjectionError) -> [Mailbox] {
        var all: [Mailbox] = []
        for address in list.addresses where !address.isEmpty {
            do throws(AddressError) {
                all.append(try names.completed(address.localPart, address.domain))
            } catch {
                throw .data("\(what): \(error)")
            }
        }
        return all
    }
}

extension Mailbox {
    /// The address without qmail's mark of a variable reverse-path; nil for what is only a mark.
    fileprivate var withoutMark: Mailbox? {
        let mark = Array("@[]".utf8)
        guard bytes.suffix(3).elementsEqual(mark) else { return self }
        guard bytes.suffix(4).elementsEqual([0x2D] + mark) else { return nil }
        return try? Mailbox(bytes.dropLast(4))
    }
}
