// Certificates: keys and certificates that openssl(1) makes while a test runs.
// SPDX-License-Identifier: MIT

import MailModel

/// An authority and what it vouches for, in a folder.
public final class Certificates: Sendable {
    private let folder: TestFolder

    /// Makes the authority: `ca.pem` and `ca.key`.
    public init(in folder: TestFolder) throws {
        self.folder = folder
        try Certificates.openssl(
            folder,
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", "/CN=Test authority", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem",
            ])
    }

    /// The certificate of the authority, in PEM.
    public func authority() throws -> [UInt8] { try folder.read("ca.pem") }

    /// A key and a certificate by the authority, in PEM, with this common name. The other names,
    /// as `DNS:a.test,email:b@c.test`, are for subjectAltName; `key` has options of `openssl req`
    /// for another key than P-256.
    public func signed(
        _ name: String, names: String = "",
        key: [String] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    ) throws -> [UInt8] {
        let names = names.isEmpty ? [] : ["-addext", "subjectAltName=\(names)"]
        try Certificates.openssl(
            folder,
            ["req", "-x509", "-CA", "ca.pem", "-CAkey", "ca.key", "-nodes", "-days", "2"] + key
                + ["-subj", "/CN=\(name)", "-keyout", "new.key", "-out", "new.pem"] + names)
        return try folder.read("new.key") + folder.read("new.pem")
    }

    /// The same, with a time that was over yesterday.
    public func expired(_ name: String, names: String) throws -> [UInt8] {
        try Certificates.openssl(
            folder,
            [
                "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", "/CN=\(name)", "-addext", "subjectAltName=\(names)", "-keyout", "old.key",
                "-out", "old.csr",
            ])
        try Certificates.openssl(
            folder,
            [
                "x509", "-req", "-in", "old.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days",
                "-1", "-copy_extensions", "copy", "-out", "old.pem",
            ])
        return try folder.read("old.key") + folder.read("old.pem")
    }

    /// Runs `openssl` in the folder.
    /// - Returns: what it wrote.
    @discardableResult
    public static func openssl(
        _ folder: TestFolder, _ arguments: [String], input: [UInt8] = []
    ) throws -> ToolResult {
        var tool = try Tool("/usr/bin/openssl", arguments)
        tool.folder = folder.path
        tool.message = input
        let result = try tool.run()
        guard result.code == 0 else {
            throw TestFailure("openssl \(arguments.joined(separator: " ")): \(result.errors)")
        }
        return result
    }
}
