// MilterChanges: what a milter asks to change at the end of a message, as edits.
// smfi_addheader to smfi_quarantine.
// SPDX-License-Identifier: MIT

import FilterKit
import MailModel
import MilterProtocol
import SMTPProtocol

/// Collects the changes of one message.
struct MilterChanges {
    /// The most changes of one message, and the most bytes of all of them but those of the body.
    private static let limits = (count: 10_000, bytes: 4 << 20)

    /// Why the milter wants the message kept back; nil when it does not.
    private(set) var quarantine: [UInt8]?

    private let original: MessageHeader
    private var header: MilterHeader
    private var body: [UInt8]?
    private var decoder = ChunkDecoder(bareLineFeed: .mended)
    private let bodyLimit: Int
    private let recipients: [Mailbox]
    private var envelope: [Edit] = []
    private var count = 0
    private var size = 0

    init(
        _ original: MessageHeader, _ request: borrowing Request, bodyLimit: Int,
        hasLeadingSpace: Bool
    ) {
        self.original = original
        self.bodyLimit = bodyLimit
        recipients = request.recipients
        header = MilterHeader(
            original.fields, end: original.end, isEnded: original.isEnded,
            hasLeadingSpace: hasLeadingSpace)
    }

    /// Takes a reply.
    /// - Returns: false when it is no change.
    /// - Throws: `FilterError` for a change that cannot be made.
    mutating func take(_ reply: MilterReply) throws(FilterError) -> Bool {
        try measure(reply)
        switch reply {
        case .addHeader(let name, let value): try check(header.add(name, value), name)
        case .insertHeader(let index, let name, let value):
            try check(header.insert(at: index, name, value), name)
        case .changeHeader(let index, let name, let value):
            try check(header.change(index, name, value), name)
        case .replaceBody(let bytes): try replaceBody(bytes)
        case .changeSender(let path, _):
            guard let path = MilterPath.reversePath(path) else { throw noAddress(path) }
            envelope.append(.reversePath(path))
        case .addRecipient(let path, _):
            guard let mailbox = MilterPath.mailbox(path) else { throw noAddress(path) }
            envelope.append(.addRecipient(mailbox))
        case .removeRecipient(let path):
            envelope += removed(path).map(Edit.removeRecipient)
        case .quarantine(let reason): quarantine = reason
        default: return false
        }
        return true
    }

    /// Changes that come without end must come to one.
    private mutating func measure(_ reply: MilterReply) throws(FilterError) {
        if case .replaceBody = reply { return }
        count += 1
        size += reply.packet.data.count
        guard count <= MilterChanges.limits.count, size <= MilterChanges.limits.bytes else {
            throw FilterError(.defer, "the milter changes too much")
        }
    }

    private func check(_ isField: Bool, _ name: [UInt8]) throws(FilterError) {
        guard isField else {
            throw FilterError(.defer, "the milter adds what is no field: \(name.printable)")
        }
    }

    private func noAddress(_ path: [UInt8]) -> FilterError {
        FilterError(.defer, "the milter gives what is no address: \(path.printable)")
    }

    /// The recipient as it is, else in another case of its letters; nobody else.
    private func removed(_ path: [UInt8]) -> [Mailbox] {
        guard let mailbox = MilterPath.mailbox(path) else { return [] }
        let added = envelope.compactMap { edit in
            if case .addRecipient(let mailbox) = edit { mailbox } else { nil }
        }
        let all = recipients + added
        if all.contains(mailbox) { return [mailbox] }
        return all.filter { $0.folded == mailbox.folded }
    }

    private mutating func replaceBody(_ bytes: [UInt8]) throws(FilterError) {
        var body = self.body ?? []
        self.body = nil
        guard bytes.count <= bodyLimit - body.count else {
            throw FilterError(.defer, "the milter's body has more than \(bodyLimit) bytes")
        }
        decoder.begin(size: bytes.count, isLast: false)
        _ = decoder.decode(bytes, into: &body)
        self.body = body
    }

    /// All changes as edits.
    func edits(_ request: borrowing Request) throws(FilterError) -> [Edit] {
        guard !decoder.hasBareCR else {
            throw FilterError(.defer, "a line of the milter's body ends with CR alone")
        }
        return try message(request) + envelope + (quarantine == nil ? [] : [.hold])
    }

    /// The changes of the message. Only where edits cannot say it, it is written anew.
    private func message(_ request: borrowing Request) throws(FilterError) -> [Edit] {
        if body == nil {
            if header.isUnchanged { return [] }
            if let simple = header.simple, original.isPlain || simple.removed.isEmpty {
                return simple.removed.map { .remove(name: $0) } + simple.added.map(Edit.prepend)
            }
        }
        var patches = header.patches.map { MessagePatch($0.range, $0.bytes) }
        if let body {
            let start = original.bodyStart
            let emptyLine: [UInt8] = original.hasEmptyLine ? [] : [0x0A]
            let length = try request.message.length()
            patches.append(MessagePatch(start..<max(start, length), emptyLine + body))
        }
        return [try request.replaceMessage(with: patches)]
    }
}

extension MessageView {
    /// How many bytes the message has with the pending edits made.
    fileprivate func length() throws(FilterError) -> Int {
        guard isEdited else { return baseLength }
        var length = 0
        try forEachChunk { chunk throws(FilterError) in length += chunk.count }
        return length
    }
}
