// RcptValidation: rcpt-validate, whichever libraries its program links.
// rcpt-validate(8).
// SPDX-License-Identifier: MIT

public import Control
public import FilterKit
public import MailModel
public import Recipients
import Resolver
import UnixIO

/// What a program links besides what all of them do.
public protocol SourceLibrary {
    /// The kinds that it adds, made with what the options say.
    static func kinds(_ common: SourceCommon) -> [SourceKind]
}

/// The filter. A program that lacks a library becomes `rcpt-validate-full` when a source needs it.
public struct RcptValidation<Library: SourceLibrary>: Filter {
    /// The name of both programs to those who read logs and help.
    public static var name: String { "rcpt-validate" }
    /// What both do.
    public static var summary: String {
        "Refuses recipients whose mailbox does not exist, and senders whose domain does not."
    }
    /// The options of both.
    public static var options: [Usage.Option] { ValidationOptions.declared }

    private let options: ValidationOptions
    private var sources: RecipientSources
    private var senderDomains: SenderDomains

    /// Reads the options, and the files of the sources that are files.
    public init(_ setup: Setup) throws {
        let root = Root(setup.options)
        options = try ValidationOptions(setup.options)
        let common = try SourceCommon(setup.options, root.control)
        senderDomains = SenderDomains(common.resolver)
        var settings = SourceSettings(root, separators: options.separators)
        settings.examinesQuota = options.quota != .off
        let names = setup.options.all("source")
        let kinds = try RcptValidation.kinds(common, names, setup)
        sources =
            names.isEmpty
            ? try RecipientSources(settings)
            : try RecipientSources(names, settings, kinds: kinds)
    }

    /// All kinds there are. Becomes the other program for those that this one has not.
    private static func kinds(
        _ common: SourceCommon, _ names: [String], _ setup: Setup
    ) throws -> [SourceKind] {
        let own: [SourceKind] =
            SourceKind.files + [.sqlite(common), .callout(common)] + Library.kinds(common)
        guard !own.contains(where: { $0.name == "postgresql" }) else { return own }
        let other = SourceKind("postgresql", form: "postgresql:CONNINFO?query=SQL") {
            spec, _ throws(ControlError) in throw spec.invalid("rcpt-validate-full is needed")
        }
        let all = own + [other]
        for name in names where try SourceSpec(name, kinds: all).kind == other.name {
            try setup.becomeTwin("rcpt-validate-full")
        }
        return all
    }

    /// Judges the reverse-path, then each recipient; the first refusal counts.
    public mutating func judge(
        _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        if let refusal = try senderRefusal(request, &evidence) { return refusal.verdict }
        var looks: [JSON] = []
        for mailbox in request.recipients {
            evidence.log("recipient", mailbox.description)
            var look = RecipientLook(mailbox, isWanted: evidence.isWanted)
            defer {
                if evidence.isWanted {
                    looks.append(look.evidence)
                    evidence["recipients"] = .list(looks)
                }
            }
            try find(&look, request.facts)
            evidence.log("mailbox", look.word)
            if let refusal = look.refusal { return refusal.verdict }
        }
        return .accept
    }

    /// Looks one recipient up.
    private mutating func find(
        _ look: inout RecipientLook, _ facts: Facts
    ) throws(FilterError) {
        let mailbox = look.mailbox
        // What this host sends itself may be completed later: only clients must know the grammar.
        if !facts.isLocal, !AddressSyntax.isPostmaster(mailbox), !options.permits(mailbox) {
            look.word = "bad-syntax"
            look.refusal = .badRecipient(mailbox)
            return
        }
        let presence: Presence
        do throws(SourceError) {
            presence = try sources.find(mailbox, &look.trail)
        } catch {
            look.word = "unknown"
            // A source that cannot say is 451, never "no such mailbox".
            throw FilterError(.cannotRead, "\(error)")
        }
        look.word = presence.word
        look.refusal = options.refusal(presence, of: mailbox, facts)
    }

    /// Judges the reverse-path, unless it is null, our own, or of a client that may relay.
    private mutating func senderRefusal(
        _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> Refusal? {
        guard let sender = request.reversePath?.mailbox, !request.facts.mayRelay,
            !request.facts.isLocal, !AddressSyntax.isQmailSender(sender)
        else { return nil }
        if !options.permits(sender) {
            evidence.log("sender", "bad-syntax")
            return .badSender(sender)
        }
        guard options.senderDomain != .off, let domain = sender.domain, domain.first != 0x5B
        else { return nil }
        let finding: DomainFinding
        do throws(ResolverError) {
            finding = try senderDomains.look(at: domain, deadline: .after(options.timeout))
        } catch {
            evidence.log("sender-domain", "unknown")
            evidence.log("sender-domain-trouble", "\(error)")
            // Fails open: "warn" only says what it sees.
            guard options.senderDomain != .warn else { return nil }
            throw FilterError(.networkTrouble, "DNS look-up of \(domain.printable): \(error)")
        }
        evidence.log("sender-domain", finding.word)
        return options.refusal(finding, of: sender)
    }
}
