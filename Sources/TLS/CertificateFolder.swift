// CertificateFolder: the keys and certificates of a server, one file each.
// smtp-server(8), section TLS.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import UnixIO

/// A folder of files `NAME.pem`, each a private key and the certificate chain that goes with it.
///
/// A client that asks for a name gets the file of that name; else the one whose certificate has
/// it; else a wildcard, `*.DOMAIN.pem` or `_.DOMAIN.pem`, or a certificate with one; else what all
/// get that ask for none: the file of our own name, else the certificate that has it, else the
/// only one.
public struct CertificateFolder {
    /// The most bytes that a file may have.
    public static let maximumSize = 1 << 20

    private let path: String

    /// The folder at a path.
    public init(_ path: String) { self.path = path }

    /// The names that end in `.pem`, in their order; none when there is no folder.
    /// - Throws: `ControlError`.
    public func files() throws(ControlError) -> [String] {
        do throws(SystemError) {
            return try Files.names(in: path).filter { $0.hasSuffix(".pem") && !$0.hasPrefix(".") }
                .sorted()
        } catch  where error.errno == .noSuchFileOrDirectory {
            return []
        } catch {
            throw .unreadable(error)
        }
    }

    /// Reads all of the files; `me` is our own name.
    /// - Returns: nil when there is none.
    /// - Throws: `ControlError` with the name of the file that cannot be used.
    public func context(
        me: String, _ settings: ServerSettings
    ) throws(ControlError) -> ServerContext? {
        let entries = try files().map { name throws(ControlError) in
            try Entry(name, in: path)
        }
        guard !entries.isEmpty else { return nil }
        let owners = CertificateFolder.owners(of: entries)
        guard let first = fallback(me.lowercased(), entries, owners) else {
            throw .invalid(
                file: path, line: nil,
                reason: "none of these is for \(me), and there are several; "
                    + "clients that name no host get \(me).pem")
        }
        let server = try fitting(entries[first]) { () throws(TLSError) in
            try ServerContext(entries[first].credential, settings)
        }
        for (index, entry) in entries.enumerated() {
            let names = owners.filter { $0.value == index }.map(\.key)
            try fitting(entry) { () throws(TLSError) in
                try server.add(entry.credential, for: names)
            }
        }
        return server
    }

    /// Which entry has a name: names of files go before those in certificates.
    private static func owners(of entries: [Entry]) -> [String: Int] {
        var owners: [String: Int] = [:]
        for (index, entry) in entries.enumerated() { owners[entry.name] = index }
        for (index, entry) in entries.enumerated() {
            for name in entry.credential.hostNames where owners[name] == nil {
                owners[name] = index
            }
        }
        return owners
    }

    private func fallback(_ me: String, _ entries: [Entry], _ owners: [String: Int]) -> Int? {
        let domain = me.drop { $0 != "." }
        return owners[me] ?? owners["*\(domain)"] ?? (entries.count == 1 ? 0 : nil)
    }

    private func fitting<Value>(
        _ entry: Entry, _ body: () throws(TLSError) -> Value
    ) throws(ControlError) -> Value {
        do {
            return try body()
        } catch {
            throw .invalid(file: entry.path, line: nil, reason: "\(error)")
        }
    }
}

/// One file.
private struct Entry {
    let path: String
    /// What it is for by its own name, in lower case.
    let name: String
    let credential: Credential

    init(_ file: String, in folder: String) throws(ControlError) {
        path = "\(folder)/\(file)"
        let stem = file.dropLast(".pem".count).lowercased()
        name = stem.hasPrefix("_.") ? "*\(stem.dropFirst())" : stem
        do {
            credential = try Credential(pem: Entry.contents(of: path))
        } catch let error as SystemError {
            throw .unreadable(error)
        } catch let error as TLSError {
            throw .invalid(file: path, line: nil, reason: "\(error)")
        } catch {
            throw .invalid(file: path, line: nil, reason: "\(error)")
        }
    }

    /// The file, once: key and certificates must not come from two versions of it.
    private static func contents(of path: String) throws -> [UInt8] {
        // A FIFO would be waited for.
        let file = try Files.open(path, O_RDONLY | O_NONBLOCK)
        let status = try file.borrowed.status(path)
        guard status.st_mode & S_IFMT == S_IFREG else { throw TLSError("it is no regular file") }
        guard status.st_mode & (S_IROTH | S_IWOTH) == 0 else {
            throw TLSError("everybody can read or write this key: chmod o= \(path)")
        }
        return try file.borrowed.readToEnd(path, limit: CertificateFolder.maximumSize)
    }
}
