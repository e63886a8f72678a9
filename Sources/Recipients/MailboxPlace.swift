// MailboxPlace: where a line of a list of mailboxes says that mail goes.
// recipient-sources(5), file:PATH.
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// What follows the address: `[path] [quota=QUOTA]`, `mbox:PATH`, or `lmtp:ENDPOINT`.
struct MailboxPlace: Hashable {
    /// The kinds of stores.
    enum Store: Hashable {
        /// A Maildir; nil for the one that the address names.
        case maildir(String?)
        case mbox(String)
        case lmtp(LMTPEndpoint)
    }

    let store: Store
    /// Nil when the line says none.
    let quota: MailboxQuota?

    /// Reads the text.
    init(_ text: some BidirectionalCollection<UInt8>) throws(MailboxLine.Failure) {
        var text = Array(text.trimmed)
        let start = (text.lastIndex(where: \.isBlank) ?? -1) + 1
        var quota: MailboxQuota?
        if text[start...].starts(with: Array("quota=".utf8)) {
            let value = text[(start + 6)...]
            quota = MailboxQuota(exactly: value)
            guard quota != nil else {
                throw MailboxLine.Failure(
                    reason: "not a quota such as 10MB or 1000000S,1000C: \(value.printable)")
            }
            text = Array(text[..<start].trimmed)
        }
        store = try MailboxPlace.store(text)
        self.quota = quota
        guard case .maildir = store else {
            guard quota == nil else {
                throw MailboxLine.Failure(reason: "only a Maildir can have a quota here")
            }
            return
        }
    }

    private static func store(_ text: [UInt8]) throws(MailboxLine.Failure) -> Store {
        if text.isEmpty { return .maildir(nil) }
        guard let path = String(validating: text, as: UTF8.self), !text.contains(0) else {
            throw MailboxLine.Failure(reason: "the path is not UTF-8")
        }
        if path.hasPrefix("lmtp:") {
            guard let endpoint = LMTPEndpoint(path.dropFirst("lmtp:".count)) else {
                throw MailboxLine.Failure(
                    reason: "not lmtp:unix:/PATH or lmtp:inet:HOST[:PORT]: \(text.printable)")
            }
            return .lmtp(endpoint)
        }
        guard path.hasPrefix("mbox:") else { return .maildir(withoutSlashes(path)) }
        let file = String(path.dropFirst("mbox:".count))
        guard !file.isEmpty, !file.hasSuffix("/") else {
            throw MailboxLine.Failure(reason: "not mbox:PATH: \(text.printable)")
        }
        return .mbox(file)
    }

    private static func withoutSlashes(_ path: String) -> String {
        var path = path
        while path.utf8.count > 1, path.utf8.last == 0x2F { path.removeLast() }
        return path
    }
}

/// A mailbox of a list.
struct ListedMailbox {
    let place: MailboxPlace
    /// Where it is named by its address: the name's folder and the domain's.
    let localPart: ArraySlice<UInt8>
    let domain: [UInt8]

    /// What is to be done with its mail. Relative paths, and Maildirs without one, are below the
    /// mail folder of a root.
    func instruction(_ root: Root, quota: MailboxQuota? = nil) -> Instruction {
        switch place.store {
        case .maildir(nil):
            let folders = [domain, Array(localPart)].map { String(decoding: $0, as: UTF8.self) }
            let path = "\(root.mail)/\(folders.joined(separator: "/"))/Maildir"
            return .maildir(path: path, quota: (place.quota ?? quota)?.description)
        case .maildir(let path?):
            let path = ListedMailbox.absolute(path, root)
            return .maildir(path: path, quota: (place.quota ?? quota)?.description)
        case .mbox(let path): return .mbox(path: ListedMailbox.absolute(path, root))
        case .lmtp(let endpoint): return .lmtp(endpoint.description)
        }
    }

    private static func absolute(_ path: String, _ root: Root) -> String {
        path.hasPrefix("/") ? path : "\(root.mail)/\(path)"
    }
}
