// Root: where everything is kept.
// chainmail(7), section FILES.
// SPDX-License-Identifier: MIT

import Glibc
import SystemPackage
import UnixIO

/// The folders of one installation: the system's, or all below one folder.
public struct Root: Hashable, Sendable {
    /// The folder given with `--root`, made absolute; nil for the system's folders.
    public let folder: String?

    /// The installation below a folder, or the system's when there is none.
    /// - Parameter folder: a relative one counts from the current folder.
    public init(_ folder: String?) { self.folder = folder.map(Root.absolute) }

    /// What `--root` says, else the variable `CHAINMAIL_ROOT`, else the system's.
    public init(_ options: Options) {
        self.init(options["root"] ?? Environment.text("CHAINMAIL_ROOT"))
    }

    /// The configuration: `control/`, `filters.d/` and `tls/` are in it.
    public var configuration: String { folder.map { "\($0)/etc" } ?? "/etc/chainmail" }

    /// The queue.
    public var spool: String { folder.map { "\($0)/spool" } ?? "/var/spool/chainmail" }

    /// Sockets and locks.
    public var run: String { folder.map { "\($0)/run" } ?? "/run/chainmail" }

    /// The Maildirs of virtual mailboxes.
    public var mail: String { folder.map { "\($0)/mail" } ?? "/var/mail/chainmail" }

    /// The control files.
    public var control: ControlFolder { ControlFolder("\(configuration)/control") }

    /// The folder of the chain's steps.
    public var filters: String { "\(configuration)/filters.d" }

    /// Keys and certificates.
    public var tls: String { "\(configuration)/tls" }

    /// The socket of a service such as `queue-message`.
    public func socket(_ service: String) -> String { "\(run)/\(service)" }

    /// The socket of a resident step, by the name of its file in filters.d.
    public func filterSocket(_ step: String) -> String { "\(run)/filters/\(step)" }

    /// What to give a program that shall work on the same root.
    public var arguments: [String] { folder.map { ["--root", $0] } ?? [] }

    private static func absolute(_ folder: String) -> String {
        var folder = folder
        while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
        guard !folder.hasPrefix("/") else { return folder }
        guard let current = getcwd(nil, 0) else { return folder }
        defer { free(current) }
        return folder == "." ? String(cString: current) : "\(String(cString: current))/\(folder)"
    }
}
