// LocalDestination: what is to be done with mail for a mailbox of ours, and as whom.
// deliver-local(8); qmail-lspawn(8).
// SPDX-License-Identifier: MIT

import Control
public import MailModel
public import UnixIO

/// Where the mail of one recipient goes, as far as it can be said without looking into anything
/// that is a user's. Whoever becomes its owner then reads what he wrote, if there is to be anything.
public struct LocalDestination: Hashable, Sendable {
    /// Who says what is to be done.
    public enum Instructions: Hashable, Sendable {
        /// The administrator: it is this.
        case given([Instruction])
        /// The owner, in dot-qmail files of the home, found by `dash` and `ext`.
        case inHome
        /// The administrator, in the aliases file.
        case aliased(AliasPlan)
    }

    /// Whom the delivery becomes; nil for the first owner on the way to the mailbox who is not
    /// root: `MailboxOwner`.
    public var owner: Identity?
    /// His login name; empty when there is none.
    public var user: [UInt8]
    /// His home; empty when there is none, and then paths of instructions are absolute.
    public var home: String
    /// The local-part with what virtualdomains puts before it.
    public var local: [UInt8]
    /// The domain of the address.
    public var host: [UInt8]
    /// `-`, or nothing where the local-part is the user's name.
    public var dash: [UInt8]
    /// What of the local-part names the dot-qmail file.
    public var ext: [UInt8]
    /// What is to be done.
    public var instructions: Instructions
    /// True for `\name@host`: the user, though there is an alias of his name.
    public var isPastAliases = false

    /// A destination of these parts.
    public init(
        owner: Identity? = nil, user: [UInt8] = [], home: String = "", local: [UInt8],
        host: [UInt8], dash: [UInt8] = [], ext: [UInt8] = [], instructions: Instructions
    ) {
        self.owner = owner
        self.user = user
        self.home = home
        self.local = local
        self.host = host
        self.dash = dash
        self.ext = ext
        self.instructions = instructions
    }

    /// What Delivered-To says.
    public var recipient: [UInt8] { (isPastAliases ? [0x5C] : []) + local + [0x40] + host }
}

/// What a source says of the delivery to a mailbox. That it cannot say is an error.
public enum LocalAnswer: Hashable, Sendable {
    /// This is what to do.
    case destination(LocalDestination)
    /// The mailbox is there and takes no mail: 550 5.2.1.
    case refused
    /// The domain is the source's and has no such mailbox: 550 5.1.1.
    case noSuchMailbox
    /// The domain is not the source's: the next one is asked.
    case unknownDomain
}

extension QmailUser {
    /// What this user says in his dot-qmail files.
    func destination(
        ext: [UInt8], local: [UInt8], host: [UInt8], _ label: String
    ) throws(ControlError) -> LocalDestination {
        guard let owner = identity else {
            throw .invalid(file: label, line: nil, reason: "nobody can be \(uid) and \(gid)")
        }
        return LocalDestination(
            owner: owner, user: name, home: home, local: local, host: host, dash: dash, ext: ext,
            instructions: .inHome)
    }
}

extension RecipientSource {
    /// What to do with mail for a mailbox, for sources that know Maildirs by their paths.
    public mutating func destination(
        of mailbox: Mailbox, _ trail: inout SourceTrail
    ) throws(SourceError) -> LocalAnswer {
        switch try find(mailbox, &trail) {
        case .exists(.maildir(let path)), .overQuota(.maildir(let path)):
            return .destination(
                LocalDestination(
                    local: Array(mailbox.localPart), host: Array(mailbox.domain ?? []),
                    instructions: .given([.maildir(path: path)])))
        case .exists, .overQuota:
            throw .unreachable(source: label, reason: "it does not say where the mailbox is")
        case .refused: return .refused
        case .noSuchMailbox: return .noSuchMailbox
        case .unknownDomain: return .unknownDomain
        }
    }
}
