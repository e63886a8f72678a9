// RecipientSources: does this mailbox exist, and where is its mail delivered.
// rcpt-validate(8).
// SPDX-License-Identifier: MIT

public import Control
public import MailModel

/// Sources in order: the first one that knows the domain decides. One value serves one process;
/// it is what smtp-server, rcpt-validate and deliver-local alike ask.
public struct RecipientSources {
    private var sources: [any RecipientSource]
    /// What is asked before all of them; nil for sources that were named.
    private var aliases: AliasSource?
    /// What addresses are rewritten by before a source is asked; nil for sources that were named.
    private var routing: Watched<QmailRouting>?

    /// The sources of a root.
    /// - Throws: `ControlError` when a file cannot be read or has a bad line, or nothing is there.
    public init(_ root: Root) throws(ControlError) {
        try self.init(SourceSettings(root))
    }

    /// The sources of a root: its aliases file; `control/mailboxes`, or the `mailboxes.cdb` beside it, for the domains
    /// that are in it; then, where `me` says who we are, the users that `locals` and
    /// `virtualdomains` lead to. Settings without separators have those of `control/extensions`.
    /// - Throws: `ControlError` when a file cannot be read or has a bad line, or nothing is there.
    public init(_ settings: SourceSettings) throws(ControlError) {
        let control = settings.root.control
        var settings = settings
        if settings.separators.isEmpty { settings.separators = try control.extensions() ?? [] }
        let list = control.file("mailboxes")
        let hasName = try control.line("me") != nil
        var hasList = try FileVersion.of(list) != nil
        if !hasList { hasList = try FileVersion.of("\(list).cdb") != nil }
        sources = []
        if hasList || !hasName { sources.append(try MailboxFile(list, settings)) }
        guard hasName else { return }
        sources.append(try QmailSource(settings))
        aliases = try AliasSource(settings)
        routing = Watched(QmailRouting.files.map(control.file)) { () throws(ControlError) in
            try QmailRouting(control)
        }
    }

    private mutating func rewritten(_ mailbox: Mailbox) throws(SourceError) -> Mailbox {
        try reading { () throws(ControlError) in
            try routing?.current().rewritten(mailbox) ?? mailbox
        }
    }

    /// The sources that are named, each `KIND:VALUE`.
    /// - Throws: `ControlError` for a source of no kind that is given, and as the sources do.
    public init(
        _ names: [String], _ settings: SourceSettings, kinds: [SourceKind] = SourceKind.files
    ) throws(ControlError) {
        sources = []
        for name in names {
            let spec = try SourceSpec(name, kinds: kinds)
            guard let kind = kinds.first(where: { $0.name == spec.kind }) else { continue }
            sources.append(try kind.open(spec, settings))
        }
    }

    /// Looks a mailbox up.
    /// - Throws: `SourceError` when a source that comes before an answer cannot say: then nothing
    ///   is known.
    public mutating func find(_ mailbox: Mailbox) throws(SourceError) -> Presence {
        var trail = SourceTrail(isWanted: false)
        return try find(mailbox, &trail)
    }

    /// Looks a mailbox up and notes what was looked at. The source that decided is the last one
    /// that the trail names.
    /// - Throws: `SourceError` when a source that comes before an answer cannot say.
    public mutating func find(
        _ mailbox: Mailbox, _ trail: inout SourceTrail
    ) throws(SourceError) -> Presence {
        let mailbox = try rewritten(mailbox)
        let user = try reading { () throws(ControlError) in try aliases?.user(mailbox) }
        guard user == nil else {
            trail.note("\(mailbox.bytes.printable): only an alias may say that")
            return .noSuchMailbox
        }
        if let presence = try aliases?.find(mailbox, &trail), presence != .unknownDomain {
            return presence
        }
        for index in sources.indices {
            trail.note("source \(sources[index].label)")
            let presence = try sources[index].find(mailbox, &trail)
            if presence != .unknownDomain { return presence }
        }
        return .unknownDomain
    }

    /// What to do with mail for a mailbox. `\name@host`, which an alias may say and no client, is
    /// the user of that name.
    /// - Throws: `SourceError` when a source that comes before an answer cannot say.
    public mutating func destination(
        of mailbox: Mailbox, _ trail: inout SourceTrail
    ) throws(SourceError) -> LocalAnswer {
        let mailbox = try rewritten(mailbox)
        let user = try reading { () throws(ControlError) in try aliases?.user(mailbox) }
        if user == nil, let answer = try aliases?.destination(of: mailbox, &trail),
            answer != .unknownDomain
        {
            return answer
        }
        for index in sources.indices {
            trail.note("source \(sources[index].label)")
            let answer = try sources[index].destination(of: user ?? mailbox, &trail)
            guard user != nil, case .destination(var destination) = answer else {
                if answer != .unknownDomain { return answer }
                continue
            }
            destination.isPastAliases = true
            return .destination(destination)
        }
        return .unknownDomain
    }
}
