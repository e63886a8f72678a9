// SourceSettings: what all sources of one process are told.
// rcpt-validate(8), --extensions and --quota.
// SPDX-License-Identifier: MIT

public import Control
public import MailModel

/// What all sources of one process are told.
public struct SourceSettings: Sendable {
    /// The most separators of a local-part that are looked at: a local-part may consist of them.
    public static let maximumSeparators = 32

    /// The installation: Maildirs without a path are below its mail folder.
    public var root: Root
    /// The bytes that divide a mailbox's name from an extension, such as `-+`; empty for none.
    public var separators: [UInt8]
    /// True when `.overQuota` may be answered: looking costs reads in the mailbox.
    public var examinesQuota: Bool

    /// Settings; without separators there are no extensions.
    public init(_ root: Root, separators: [UInt8] = [], examinesQuota: Bool = false) {
        self.root = root
        self.separators = separators
        self.examinesQuota = examinesQuota
    }

    /// The mailboxes that an address may mean: itself, then without its extension, the longest
    /// name first. `a-b-c@x` is itself, `a-b@x` and `a@x` where `-` separates.
    ///
    /// What is before the first byte of the local-part is no name. Only the first 32 separators
    /// count.
    public func candidates(of mailbox: Mailbox) -> [Mailbox] {
        [mailbox]
            + names(in: mailbox.localPart).compactMap { name in
                let domain = mailbox.domain.map { [0x40] + $0 } ?? []
                return try? Mailbox(Array(name) + domain)
            }
    }

    /// What is before the first separator, as vdelivermail sees it; nil without one, and when
    /// nothing is before it.
    func firstName(in localPart: [UInt8]) -> [UInt8]? {
        guard let end = localPart.firstIndex(where: separators.contains), end > 0 else {
            return nil
        }
        return Array(localPart[..<end])
    }

    /// The names without an extension that a local-part may mean, the longest first.
    func names(in localPart: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        guard !separators.isEmpty else { return [] }
        return localPart.indices.dropFirst()
            .filter { separators.contains(localPart[$0]) }
            .prefix(SourceSettings.maximumSeparators).reversed()
            .map { localPart[..<$0] }
    }
}

extension ControlFolder {
    /// `extensions`: what divides a mailbox's name from an extension; nil without the file, and
    /// when it says nothing.
    /// - Throws: `ControlError` for what is none of the characters that may.
    public func extensions() throws(ControlError) -> [UInt8]? {
        guard let line = try line("extensions"), !line.isEmpty else { return nil }
        guard line.count <= 4, line.allSatisfy(Array("+-=._#%".utf8).contains) else {
            throw invalid("extensions", 1, "one to four of the characters + - = . _ # %")
        }
        return line
    }
}
