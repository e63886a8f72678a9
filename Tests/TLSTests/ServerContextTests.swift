// Tests of what a server chooses by name, and of what it asks clients for.
// SPDX-License-Identifier: MIT

import Foundation
import TestSupport
import Testing
import UnixIO

@testable import TLS

@Suite struct ServerContextTests {
    private let folder: TestFolder
    private let certificates: TestSupport.Certificates

    init() throws {
        folder = try TestFolder()
        certificates = try TestSupport.Certificates(in: folder)
    }

    private static let names: [(String?, String)] = [
        (nil, "mx.test"), ("mx.test", "mx.test"), ("MX.Other.TEST", "mx.other.test"),
        ("mx.other.test.", "mx.other.test"), ("a.wild.test", "*.wild.test"),
        ("a.b.wild.test", "mx.test"), ("wild.test", "mx.test"), ("b.wild.test", "b.wild.test"),
        ("nobody.test", "mx.test"), (".wild.test", "mx.test"), (".", "mx.test"),
    ]

    @Test(arguments: names)
    func `the name that a client asks for chooses the certificate`(
        _ name: String?, _ chosen: String
    ) throws {
        var digests: [String: String] = [:]
        let server = try ServerContext(selfSigned("mx.test"))
        for own in ["mx.other.test", "*.wild.test", "b.wild.test"] {
            let credential = try selfSigned(own.replacingOccurrences(of: "*", with: "star"))
            digests[try #require(try digest(of: credential))] = own
            try server.add(credential, for: [own])
        }
        for versions in bothVersions {
            let pair = try session(server, client(versions).server(named: name))
            let digest = try #require(pair.client.peer?.digest)
            #expect(digests[digest] ?? "mx.test" == chosen)
            #expect(pair.server.serverName == name)
        }
    }

    private func digest(of credential: Credential) throws -> String? {
        try session(ServerContext(credential), client().server(named: nil)).client.peer?.digest
    }

    @Test func `the ciphers are the same whatever certificate is chosen`() throws {
        var settings = ServerSettings()
        settings.ciphers = try CipherList("ECDHE-ECDSA-CHACHA20-POLY1305")
        let server = try ServerContext(selfSigned("mx.test"), settings)
        try server.add(selfSigned("b.test"), for: ["b.test"])
        let pair = try session(server, client(bothVersions[0]).server(named: "b.test"))
        #expect(pair.server.cipher == "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256")
    }

    @Test func `a key that is too small is refused`() throws {
        let small = try Credential(
            pem: certificates.signed("small.test", key: ["-newkey", "rsa:1024"]))
        #expect(throws: TLSError("ee key too small")) { try ServerContext(small) }
    }

    @Test func `a client checks whom it talks to`() throws {
        let credential = try Credential(
            pem: certificates.signed("mx.test", names: "DNS:mx.test"))
        let authority = try certificates.authority()
        let client = try client { $0.authorities = authority }
        let server = try ServerContext(credential)
        let pair = try session(server, client.server(named: "mx.test"))
        #expect(pair.client.peer?.names.map(\.text) == ["mx.test", "mx.test"])
        #expect(
            throws: HandshakeError.refused(
                TLSError("certificate verify failed: hostname mismatch")
            )
        ) { try session(server, client.server(named: "other.test")) }
        #expect(throws: HandshakeError.self) {
            try session(ServerContext(selfSigned("mx.test")), client.server(named: "mx.test"))
        }
    }

    // MARK: Client certificates

    private func asking(
        _ change: (inout ServerSettings) throws -> Void = { _ in }
    ) throws -> ServerContext {
        var settings = ServerSettings()
        settings.clientCertificates = .ask
        try change(&settings)
        return try ServerContext(selfSigned("mx.test"), settings)
    }

    private func peer(
        _ server: ServerContext, _ versions: ClosedRange<TLSVersion>, _ credential: Credential?
    ) throws -> TLSPeer? {
        try session(server, client(versions) { $0.credential = credential }.server(named: nil))
            .server.peer
    }

    @Test(arguments: bothVersions)
    func `a client that is asked may have no certificate`(
        _ versions: ClosedRange<TLSVersion>
    ) throws {
        #expect(try peer(asking(), versions, nil) == nil)
        #expect(try peer(ServerContext(selfSigned("mx.test")), versions, selfSigned("c")) == nil)
    }

    @Test(arguments: bothVersions)
    func `any certificate is taken, and only an authority of ours makes names of it`(
        _ versions: ClosedRange<TLSVersion>
    ) throws {
        let pem = try certificates.signed("alice", names: "email:alice@example.test,DNS:pc.test")
        let credential = try Credential(pem: pem)
        let unknown = try #require(try peer(asking(), versions, credential))
        let der = try TestSupport.Certificates.openssl(
            folder, ["x509", "-in", "new.pem", "-outform", "DER"]
        ).output
        let digest = try TestSupport.Certificates.openssl(
            folder, ["dgst", "-sha256", "-r"], input: der
        ).text
        #expect(digest.hasPrefix("\(unknown.digest) "))
        #expect(unknown.names.isEmpty)
        #expect(unknown.trouble != nil)
        let server = try asking { try $0.trust(certificates.authority()) }
        let known = try #require(try peer(server, versions, credential))
        #expect(known.digest == unknown.digest)
        #expect(known.trouble == nil)
        #expect(
            known.names == [
                CertificateName(kind: .mailbox, text: "alice@example.test"),
                CertificateName(kind: .host, text: "pc.test"),
                CertificateName(kind: .common, text: "alice"),
            ])
        let own = try #require(try peer(server, versions, selfSigned("alice")))
        #expect(own.names.isEmpty && own.trouble != nil)
    }

    @Test(arguments: bothVersions)
    func `a client's certificate is checked whatever name the client asks for`(
        _ versions: ClosedRange<TLSVersion>
    ) throws {
        let credential = try Credential(pem: certificates.signed("alice"))
        let server = try asking { try $0.trust(certificates.authority()) }
        try server.add(selfSigned("mx.other.test"), for: ["mx.other.test", "*.wild.test"])
        for name in ["mx.test", "mx.other.test", "a.wild.test"] {
            let client = try client(versions) { $0.credential = credential }
            let peer = try session(server, client.server(named: name)).server.peer
            #expect(peer?.trouble == nil && peer?.names.first?.text == "alice", "\(name)")
        }
    }

    @Test func `what is revoked has no names`() throws {
        let credential = try Credential(pem: certificates.signed("alice"))
        try folder.write("index", "")
        try folder.write(
            "ca.conf",
            """
            [ca]
            default_ca = own
            [own]
            database = index
            default_md = sha256
            default_crl_days = 2
            """)
        let base = ["ca", "-config", "ca.conf", "-cert", "ca.pem", "-keyfile", "ca.key"]
        let lists = try ["none", "one"].map { name in
            if name == "one" {
                try TestSupport.Certificates.openssl(folder, base + ["-revoke", "new.pem"])
            }
            return try TestSupport.Certificates.openssl(folder, base + ["-gencrl"]).output
        }
        let troubles = try lists.map { list in
            let server = try asking {
                try $0.trust(certificates.authority())
                try $0.distrust(list)
            }
            return try peer(server, bothVersions[1], credential)?.trouble
        }
        #expect(troubles == [nil, "certificate revoked"])
    }

    @Test func `a file without what it is for is refused`() throws {
        var settings = ServerSettings()
        let authority = try certificates.authority()
        #expect(throws: TLSError.self) { try settings.trust(Array("nothing\n".utf8)) }
        let text = String(decoding: authority, as: UTF8.self)
        let damaged = Array(text.replacingOccurrences(of: "MII", with: "ZZZ").utf8)
        #expect(throws: TLSError.self) { try settings.trust(authority + damaged) }
        #expect(throws: TLSError.self) { try settings.distrust(authority) }
    }
}
