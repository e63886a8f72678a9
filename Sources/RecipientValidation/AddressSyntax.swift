// AddressSyntax: is this an address that may be on the wire?
// RFC 5321, section 4.1.2; RFC 6531, section 3.3.
// SPDX-License-Identifier: MIT

public import MailModel
import SMTPProtocol

/// The grammar of mailboxes with the characters beyond ASCII that RFC 6531 adds to atoms, quoted
/// strings and domains.
public enum AddressSyntax {
    /// The most bytes of a path with its brackets. RFC 5321, section 4.5.3.1.3.
    public static let longestPath = 256

    /// True when a mailbox is of the grammar; unless that is strict also when it is once its
    /// local-part is put into quotes: the envelopes of qmail hold local-parts without theirs.
    public static func isValid(_ mailbox: Mailbox, isStrict: Bool = false) -> Bool {
        guard mailbox.bytes.count <= longestPath - 2, !mailbox.localPart.isEmpty else {
            return false
        }
        guard mailbox.bytes.contains(where: { $0 >= 0x80 }) else {
            return isOfGrammar(mailbox, isStrict)
        }
        guard String(validating: mailbox.bytes, as: UTF8.self) != nil, let domain = mailbox.domain
        else { return false }
        // To the grammar one letter is as good as another. The length of a local-part is in
        // bytes; a label of a domain is shorter in the DNS than here, and counts by characters.
        let local = plain(mailbox.localPart, isStrict)
        let name = domain.filter { $0 & 0xC0 != 0x80 }.map { $0 >= 0x80 ? 0x78 : $0 }
        guard let mapped = try? Mailbox(local + [0x40] + name) else {
            return false
        }
        return isOfGrammar(mapped, isStrict)
    }

    /// A local-part with letters of ASCII for all others. A backslash may not be before one of
    /// those: RFC 6531 adds nothing to quoted-pairSMTP.
    private static func plain(_ localPart: ArraySlice<UInt8>, _ isStrict: Bool) -> [UInt8] {
        var isQuoted = false
        return localPart.map { byte in
            defer { isQuoted = byte == 0x5C && !isQuoted }
            guard byte >= 0x80 else { return byte }
            return isStrict && isQuoted ? 0 : 0x78
        }
    }

    private static func isOfGrammar(_ mailbox: Mailbox, _ isStrict: Bool) -> Bool {
        isStrict ? PathSyntax.isMailbox(mailbox.bytes) : PathSyntax.path(of: mailbox) != nil
    }

    /// True for reverse-paths of qmail that are no mailboxes: `#@[]` of double bounces, and `-@[]`
    /// at the end of a VERP sender. Such mail is from this host's own queue.
    public static func isQmailSender(_ mailbox: Mailbox) -> Bool {
        mailbox.bytes.elementsEqual("#@[]".utf8)
            || mailbox.bytes.suffix(4).elementsEqual("-@[]".utf8)
    }

    /// True for the one local-part that needs no domain. RFC 5321, section 4.5.1.
    public static func isPostmaster(_ mailbox: Mailbox) -> Bool {
        mailbox.domain == nil && mailbox.bytes.equalsIgnoringASCIICase("postmaster".utf8)
    }
}
