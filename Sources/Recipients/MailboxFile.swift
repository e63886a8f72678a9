// MailboxFile: virtual mailboxes, one a line.
// chainmail(7), control/mailboxes.
// SPDX-License-Identifier: MIT

public import Control
import Glibc
public import MailModel
import SystemPackage
import UnixIO

/// A file of lines `local@domain [path]` and `@domain path`, in memory. It is looked at again after
/// a second, and before it is said that a mailbox does not exist, and read anew when it has
/// changed.
public struct MailboxFile: RecipientSource {
    /// The text of a file as mailboxes. ASCII case is folded in keys: mailboxes of one domain that
    /// differ in case alone are one, as in qmail-local(8).
    private struct Content {
        /// The path that the line gives; nil for the default one.
        var mailboxes: [[UInt8]: String?] = [:]
        var domains: Set<[UInt8]> = []
    }

    /// What tells one version of the file from another.
    private struct Version: Equatable {
        let device: UInt
        let inode: UInt
        let size: Int
        let seconds: Int
        let nanoseconds: Int

        init(_ status: stat) {
            device = UInt(status.st_dev)
            inode = UInt(status.st_ino)
            size = Int(status.st_size)
            seconds = Int(status.st_mtim.tv_sec)
            nanoseconds = Int(status.st_mtim.tv_nsec)
        }
    }

    private let path: String
    private let settings: SourceSettings
    private var content: Result<Content, ControlError>
    private var version: Version?
    private var lookAgain: Deadline

    /// Reads a file. Maildirs without a path, or with a relative one, are below the mail folder
    /// of the settings' root.
    /// - Throws: `ControlError` when it is missing, cannot be read or has a bad line.
    public init(_ path: String, _ settings: SourceSettings) throws(ControlError) {
        self.path = path
        self.settings = settings
        version = try MailboxFile.version(of: path)
        lookAgain = .after(.seconds(1))
        content = .success(try MailboxFile.read(path))
    }

    /// `file:PATH`.
    public var label: String { "file:\(path)" }

    /// Looks a mailbox up. The mailbox itself comes first, then the names without an extension,
    /// then the `@domain` that takes all others.
    ///
    /// That it exists may be a second old. That it does not is never said without a look at the
    /// file: another process may know of the mailbox already and have accepted mail for it.
    /// - Throws: `SourceError` when the file has changed and cannot be used any more.
    public mutating func find(
        _ mailbox: Mailbox, _ trail: inout SourceTrail
    ) throws(SourceError) -> Presence {
        do throws(ControlError) {
            if lookAgain.hasPassed { refresh() }
            let presence = presence(of: mailbox, in: try content.get())
            if case .exists = presence { return presence }
            refresh()
            return self.presence(of: mailbox, in: try content.get())
        } catch {
            throw .unusable(error)
        }
    }

    private func presence(of mailbox: Mailbox, in content: Content) -> Presence {
        guard let domain = mailbox.domain?.asciiLowercased, content.domains.contains(domain) else {
            return .unknownDomain
        }
        for candidate in settings.candidates(of: mailbox).map(\.folded) {
            guard let path = content.mailboxes[candidate] else { continue }
            let name = candidate.prefix(candidate.count - domain.count - 1)
            return .exists(.maildir(maildir(path, name, domain)))
        }
        if let path = content.mailboxes[[0x40] + domain] {
            return .exists(.maildir(maildir(path, [], domain)))
        }
        return .noSuchMailbox
    }

    private func maildir(
        _ path: String?, _ localPart: ArraySlice<UInt8>, _ domain: [UInt8]
    ) -> String {
        guard let path else {
            let folders = [domain, Array(localPart)].map { String(decoding: $0, as: UTF8.self) }
            return "\(settings.root.mail)/\(folders.joined(separator: "/"))/Maildir"
        }
        return path.hasPrefix("/") ? path : "\(settings.root.mail)/\(path)"
    }

    /// Reads the file anew when it is another one than before. A file that cannot be used stays
    /// an error until it changes again: what it said before may be wrong by now.
    private mutating func refresh() {
        lookAgain = .after(.seconds(1))
        do throws(ControlError) {
            let current = try MailboxFile.version(of: path)
            guard current != version else { return }
            version = nil
            content = .success(try MailboxFile.read(path))
            version = current
        } catch {
            version = nil
            content = .failure(error)
        }
    }

    private static func version(of path: String) throws(ControlError) -> Version {
        do throws(SystemError) {
            guard let status = try Files.status(path) else {
                throw SystemError("open", path, .noSuchFileOrDirectory)
            }
            return Version(status)
        } catch {
            throw .unreadable(error)
        }
    }

    private static func read(_ path: String) throws(ControlError) -> Content {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let folder = parts.dropLast().joined(separator: "/")
        let isTop = parts.count == 2 && folder.isEmpty
        let control = ControlFolder(isTop ? "/" : folder.isEmpty ? "." : folder)
        let name = String(parts.last ?? "")
        guard let lines = try control.list(name) else {
            throw .unreadable(SystemError("open", path, .noSuchFileOrDirectory))
        }
        var content = Content()
        for line in lines {
            let entry: (key: [UInt8], path: String?)
            do throws(LineError) {
                entry = try MailboxFile.entry(line.bytes)
            } catch {
                throw .invalid(file: path, line: line.number, reason: error.reason)
            }
            content.mailboxes.updateValue(entry.path, forKey: entry.key)
            content.domains.insert(Array(entry.key.split(separator: 0x40).last ?? []))
        }
        return content
    }

    private struct LineError: Error {
        let reason: String
    }

    private static func entry(_ line: [UInt8]) throws(LineError) -> ([UInt8], String?) {
        let words = line.split(maxSplits: 1, whereSeparator: \.isBlank)
        guard let address = words.first, (try? Mailbox(address)) != nil,
            let at = address.lastIndex(of: 0x40), at + 1 < address.endIndex
        else { throw LineError(reason: "not local@domain or @domain: \(line.printable)") }
        let key = address.asciiLowercased
        guard words.count == 2 else {
            let folders = [address[..<at], address[(at + 1)...]]
            guard folders.allSatisfy(isFolderName) else {
                throw LineError(
                    reason: "\(address.printable) cannot name a folder: give a path after it")
            }
            return (key, nil)
        }
        let trimmed = words[1].trimmed
        guard var path = String(validating: trimmed, as: UTF8.self), !trimmed.contains(0) else {
            throw LineError(reason: "the path is not UTF-8")
        }
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return (key, path)
    }

    /// False for what would leave its folder, and for the nothing before an `@domain`.
    private static func isFolderName(_ part: ArraySlice<UInt8>) -> Bool {
        !part.isEmpty && part.first != 0x2E && !part.contains(0x2F) && !part.contains(0)
            && String(validating: part, as: UTF8.self) != nil
    }
}

extension SourceKind {
    /// `file:PATH`: mailboxes, one a line.
    static let file = SourceKind("file", form: "file:PATH") { spec, settings throws(ControlError) in
        try MailboxFile(spec.value, settings)
    }
}
