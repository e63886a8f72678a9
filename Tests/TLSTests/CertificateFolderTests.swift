// Tests of the folder of keys and certificates, and of the first one in it.
// SPDX-License-Identifier: MIT

import Control
import Foundation
import Glibc
import TestSupport
import Testing
import UnixIO

@testable import TLS

@Suite struct CertificateFolderTests {
    private let folder: TestFolder
    private let certificates: TestSupport.Certificates

    init() throws {
        folder = try TestFolder()
        certificates = try TestSupport.Certificates(in: folder)
    }

    private var path: String { folder.file("tls") }

    private func load(_ me: String = "mx.test") throws -> ServerContext? {
        try CertificateFolder(path).context(me: me, ServerSettings())
    }

    /// The file of the certificate that a client gets.
    private func name(for asked: String?) throws -> String? {
        let server = try #require(try load())
        let digest = try session(server, client().server(named: asked)).client.peer?.digest
        return try digests().first { $0.value == digest }?.key
    }

    private func digests() throws -> [String: String] {
        var all: [String: String] = [:]
        for file in try CertificateFolder(path).files() {
            let credential = try Credential(pem: folder.read("tls/\(file)"))
            let pair = try session(ServerContext(credential), client().server(named: nil))
            all[file] = pair.client.peer?.digest
        }
        return all
    }

    @Test func `a folder without files has no certificate`() throws {
        #expect(try load() == nil)
        try folder.write("tls/README", "x")
        try folder.write("tls/.hidden.pem", "x")
        #expect(try load() == nil)
    }

    @Test func `files are chosen by their names, then by those of their certificates`() throws {
        try folder.write("tls/mx.test.pem", certificates.signed("mx.test"))
        try folder.write(
            "tls/many.pem", certificates.signed("x", names: "DNS:a.test,DNS:b.test,DNS:*.w.test"))
        try folder.write("tls/b.test.pem", certificates.signed("b.test"))
        try folder.write("tls/_.star.test.pem", certificates.signed("star"))
        let expected: [String?: String] = [
            nil: "mx.test.pem", "a.test": "many.pem", "b.test": "b.test.pem",
            "x.w.test": "many.pem", "y.star.test": "_.star.test.pem", "z.test": "mx.test.pem",
            // A common name says nothing where there are other names.
            "x": "mx.test.pem",
        ]
        for (asked, file) in expected {
            #expect(try name(for: asked) == file, "\(asked ?? "no name")")
        }
    }

    @Test func `the default has our name, or is the only one`() throws {
        try folder.write("tls/a.test.pem", certificates.signed("a.test"))
        #expect(try name(for: nil) == "a.test.pem")
        try folder.write("tls/b.test.pem", certificates.signed("b.test"))
        #expect(throws: ControlError.self) { try load() }
        try folder.write("tls/c.pem", certificates.signed("c", names: "DNS:*.test"))
        #expect(try name(for: nil) == "c.pem")
        try folder.write("tls/d.pem", certificates.signed("d", names: "DNS:mx.test"))
        #expect(try name(for: nil) == "d.pem")
    }

    private static let wrong: [(String, String)] = [
        ("empty", "it holds no private key"),
        ("certificate", "it holds no private key"),
        ("key", "it holds no certificate"),
        ("mismatch", "the key is not the one of the first certificate"),
        ("passphrase", "the private key has a passphrase; it must have none"),
        ("damagedKey", "the private key cannot be read"),
        ("damagedChain", "certificate 2 cannot be read: "),
    ]

    @Test(arguments: wrong)
    func `a file that cannot be used is named with the reason`(
        _ kind: String, _ reason: String
    ) throws {
        let pem = try certificates.signed("a.test")
        let key = try folder.read("new.key")
        let certificate = try folder.read("new.pem")
        let bytes: [UInt8]
        switch kind {
        case "certificate": bytes = certificate
        case "key": bytes = key
        case "mismatch": bytes = try key + certificates.authority() + certificate
        case "passphrase":
            bytes =
                try TestSupport.Certificates.openssl(
                    folder, ["pkey", "-aes128", "-passout", "pass:x", "-in", "new.key"]
                ).output + certificate
        case "damagedKey":
            bytes =
                Array(
                    String(decoding: key, as: UTF8.self).replacingOccurrences(of: "MI", with: "ZZ")
                        .utf8) + certificate
        case "damagedChain":
            bytes =
                pem
                + Array(
                    String(decoding: certificate, as: UTF8.self).replacingOccurrences(
                        of: "MII", with: "ZZZ"
                    ).utf8)
        default: bytes = []
        }
        let file = try folder.write("tls/a.test.pem", bytes)
        do {
            _ = try load()
            Issue.record("it was loaded")
        } catch {
            #expect("\(error)".hasPrefix("\(file): \(reason)"), "\(error)")
        }
    }

    @Test func `a key that everybody can read, or what is no file, is refused`() throws {
        let pem = try certificates.signed("a.test")
        let file = try folder.write("tls/a.test.pem", pem, mode: 0o644)
        #expect(throws: ControlError.self) { try load() }
        chmod(file, 0o640)
        #expect(try load() != nil)
        #expect(mkfifo(folder.file("tls/b.test.pem"), 0o600) == 0)
        #expect(throws: ControlError.self) { try load() }
    }

    @Test func `the chain is sent with the certificate`() throws {
        // The authority makes one below it, which makes ours.
        let below = try certificates.signed("below")
        try folder.write("below.pem", below)
        try TestSupport.Certificates.openssl(
            folder,
            [
                "req", "-x509", "-CA", "below.pem", "-CAkey", "below.pem", "-nodes", "-newkey",
                "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=mx.test", "-addext",
                "subjectAltName=DNS:mx.test", "-addext", "basicConstraints=critical,CA:FALSE",
                "-keyout", "own.key", "-out", "own.pem",
            ])
        let pem = try folder.read("own.pem") + folder.read("own.key") + folder.read("new.pem")
        try folder.write("tls/mx.test.pem", pem)
        let authority = try certificates.authority()
        let client = try client { $0.authorities = authority }
        let server = try #require(try load())
        _ = try session(server, client.server(named: "mx.test"))
    }

    // MARK: The first one

    @Test func `the first certificate is made, once, and only its owner can read it`() throws {
        let file = try #require(try SelfSigned.make(for: "mx.test", in: path))
        #expect(file == folder.file("tls/mx.test.pem"))
        #expect(try SelfSigned.make(for: "other.test", in: path) == nil)
        #expect(folder.names(in: "tls") == ["mx.test.pem"])
        #expect(try Files.status(file)?.st_mode == S_IFREG | 0o600)
        let server = try #require(try load())
        let pem = try folder.read("tls/mx.test.pem")
        let client = try client { $0.authorities = pem }
        _ = try session(server, client.server(named: "mx.test"))
        let text = try TestSupport.Certificates.openssl(
            folder, ["x509", "-in", file, "-noout", "-text"]
        ).text
        #expect(text.contains("Subject: CN = mx.test"))
        #expect(text.contains("DNS:mx.test"))
        #expect(text.contains("ASN1 OID: prime256v1"))
        #expect(text.contains("CA:FALSE"))
        let years = try TestSupport.Certificates.openssl(
            folder, ["x509", "-in", file, "-noout", "-checkend", "\(9 * 365 * 86_400)"])
        #expect(years.code == 0)
    }

    @Test func `of many that begin at the same time one makes it`() throws {
        let path = path
        let all = (0..<16).map { _ in Running { try SelfSigned.make(for: "mx.test", in: path) } }
        let made = try all.compactMap { try $0.value() }
        #expect(made.count == 1)
        #expect(folder.names(in: "tls") == ["mx.test.pem"])
        #expect(try load() != nil)
    }

    @Test(arguments: ["", "a b", "a,DNS:b", "../x", "a..b", String(repeating: "a", count: 64)])
    func `a name that is none makes no certificate`(_ name: String) throws {
        #expect(throws: ControlError.self) { try SelfSigned.make(for: name, in: path) }
        #expect(folder.names(in: "tls").isEmpty)
    }

    @Test func `a long name is in the certificate too`() throws {
        let label = String(repeating: "a", count: 40)
        let credential = try selfSigned("\(label).\(label).test")
        #expect(credential.hostNames == ["\(label).\(label).test"])
    }

    @Test func `a folder that cannot be written is an error`() throws {
        #expect(throws: ControlError.self) {
            try SelfSigned.make(for: "mx.test", in: "/proc/nowhere/tls")
        }
    }
}
