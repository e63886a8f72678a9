// MailboxFile: virtual mailboxes, one a line.
// chainmail(7), control/mailboxes.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import SystemPackage
import UnixIO

/// A file of lines `local@domain [path]` and `@domain path`, in memory. It is looked at again after
/// a second, and before it is said that a mailbox does not exist, and read anew when it has
/// changed.
public struct MailboxFile {
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
    private let mail: String
    private var content: Result<Content, ControlError>
    private var version: Version?
    private var lookAgain: Deadline

    /// Reads a file. `mail` is the folder that Maildirs without a path, or with a relative one,
    /// are below.
    /// - Throws: `ControlError` when it is missing, cannot be read or has a bad line.
    public init(_ path: String, mail: String) throws(ControlError) {
        self.path = path
        self.mail = mail
        version = try MailboxFile.version(of: path)
        lookAgain = .after(.seconds(1))
        content = .success(try MailboxFile.read(path))
    }

    /// Looks a mailbox up. The mailbox itself comes before the `@domain` that takes all others.
    ///
    /// That it exists may be a second old. That it does not is never said without a look at the
    /// file: another process may know of the mailbox already and have accepted mail for it.
    /// - Throws: `ControlError` when the file has changed and cannot be used any more.
    public mutating func find(_ mailbox: Mailbox) throws(ControlError) -> Presence {
        if lookAgain.hasPassed { refresh() }
        let known = try content.get()
        let presence = presence(of: mailbox.folded, in: known)
        if case .exists = presence { return presence }
        refresh()
        return self.presence(of: mailbox.folded, in: try content.get())
    }

    private func presence(of key: [UInt8], in content: Content) -> Presence {
        guard let at = key.lastIndex(of: 0x40) else { return .unknownDomain }
        let domain = Array(key[(at + 1)...])
        guard content.domains.contains(domain) else { return .unknownDomain }
        if let path = content.mailboxes[key] {
            return .exists(maildir: maildir(path, key[..<at], domain))
        }
        if let path = content.mailboxes[Array(key[at...])] {
            return .exists(maildir: maildir(path, [], domain))
        }
        return .noSuchMailbox
    }

    private func maildir(
        _ path: String?, _ localPart: ArraySlice<UInt8>, _ domain: [UInt8]
    ) -> String {
        guard let path else {
            let folders = [domain, Array(localPart)].map { String(decoding: $0, as: UTF8.self) }
            return "\(mail)/\(folders.joined(separator: "/"))/Maildir"
        }
        return path.hasPrefix("/") ? path : "\(mail)/\(path)"
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
