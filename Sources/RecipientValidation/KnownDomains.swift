// KnownDomains: which domains a source decides for that does not list them itself.
// rcpt-validate(8), --source.
// SPDX-License-Identifier: MIT

public import Control
import MailModel
import UnixIO

/// The domains of a source that would answer for any.
public struct KnownDomains: Sendable {
    private enum Rule: Sendable {
        case accepted(AcceptedDomains)
        case listed(ControlMap)
        case all
    }

    private let rule: Rule

    /// Those that we accept mail for by the control files; where there are none of these files,
    /// all: nobody says whom we accept for, and what nobody knows must not pass for that.
    public init(_ control: ControlFolder) throws(ControlError) {
        let files = ["rcpthosts", "morercpthosts", "morercpthosts.cdb", "locals", "virtualdomains"]
        var isSaid = false
        do throws(SystemError) {
            for name in files where try Files.status(control.file(name)) != nil { isSaid = true }
        } catch {
            throw .unreadable(error)
        }
        rule = isSaid ? .accepted(try AcceptedDomains(control)) : .all
    }

    /// Those of a file: a domain or a `.suffix` a line.
    public init(file path: String) throws(ControlError) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let folder = parts.dropLast().joined(separator: "/")
        let place = folder.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : folder
        guard let keys = try ControlFolder(place).keys(String(parts.last ?? "")) else {
            throw .unreadable(SystemError("open", path, .noSuchFileOrDirectory))
        }
        rule = .listed(keys)
    }

    /// True when the source decides for a domain.
    public func contains(_ domain: some Collection<UInt8>) throws(ControlError) -> Bool {
        switch rule {
        case .accepted(let domains): try domains.contains(domain)
        case .listed(let map): map.value(forDomain: domain) != nil
        case .all: true
        }
    }
}
