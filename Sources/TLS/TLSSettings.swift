// TLSSettings: what the administrator chose for TLS.
// smtp-server(8), section TLS.
// SPDX-License-Identifier: MIT

import COpenSSL

/// The versions that there are. What is older than these two is never spoken: RFC 8996.
public enum TLSVersion: String, CaseIterable, Comparable, Sendable {
    /// RFC 5246.
    case version12 = "TLSv1.2"
    /// RFC 8446.
    case version13 = "TLSv1.3"

    var number: Int32 { self == .version12 ? TLS1_2_VERSION : TLS1_3_VERSION }

    /// The older one is less.
    public static func < (one: TLSVersion, other: TLSVersion) -> Bool { one.number < other.number }
}

/// Ciphers in the order in which they are preferred.
public struct CipherList: Hashable, Sendable {
    /// With forward secrecy, and those with a MAC of their own last: they are for old servers.
    static let standard =
        "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES"
        + ":!aNULL:!DSS:!PSK:!SRP"

    /// For TLS 1.2, in OpenSSL's words (ciphers(1)).
    let upTo12: String
    /// For TLS 1.3; nil for OpenSSL's own.
    let from13: String?

    /// The default.
    public init() {
        upTo12 = CipherList.standard
        from13 = nil
    }

    /// For where the choice is between this and no TLS at all: also without forward secrecy, and
    /// with keys that are smaller than anybody should have.
    public static let lenient = CipherList(
        upTo12: standard + ":RSA+AES:@SECLEVEL=1", from13: nil)

    private init(upTo12: String, from13: String?) {
        self.upTo12 = upTo12
        self.from13 = from13
    }

    /// A list with colons between its words: those that begin with `TLS_` are for TLS 1.3, all
    /// others for TLS 1.2. Of what is not named, the default stays.
    /// - Throws: `TLSError` with the word that OpenSSL does not know.
    public init(_ text: String) throws(TLSError) {
        try OpenSSL.start()
        let words = text.split { ":, ".contains($0) }.map(String.init)
        let new = words.filter { $0.hasPrefix("TLS_") }
        let old = words.filter { !$0.hasPrefix("TLS_") }
        upTo12 = old.isEmpty ? CipherList.standard : old.joined(separator: ":")
        from13 = new.isEmpty ? nil : new.joined(separator: ":")
        try check(old, new)
    }

    /// Words that take away may name what there is no more; OpenSSL passes over all that it does
    /// not know.
    private func check(_ old: [String], _ new: [String]) throws(TLSError) {
        guard !old.isEmpty || !new.isEmpty else { throw TLSError("no cipher is named") }
        guard let context = SSL_CTX_new(TLS_method()) else { throw .taken() }
        defer {
            SSL_CTX_free(context)
            ERR_clear_error()
        }
        for word in old where !"!-+@".contains(word.first ?? "!") {
            guard SSL_CTX_set_cipher_list(context, word) == 1 else {
                throw TLSError("\(word): OpenSSL knows no such cipher")
            }
        }
        for word in new where SSL_CTX_set_ciphersuites(context, word) != 1 {
            throw TLSError("\(word): OpenSSL knows no such cipher")
        }
        try use(in: context)
    }

    func use(in context: OpaquePointer) throws(TLSError) {
        guard SSL_CTX_set_cipher_list(context, upTo12) == 1 else {
            throw .taken(or: "no cipher is left")
        }
        guard let from13 else { return }
        guard SSL_CTX_set_ciphersuites(context, from13) == 1 else { throw .taken() }
    }
}

/// Whether a server asks clients for a certificate.
public enum ClientCertificates: String, CaseIterable, Sendable {
    /// It does not.
    case none
    /// It does, and takes any or none: who asks for more judges what there is.
    case ask
}

/// What a server's context is made of besides its certificates.
public struct ServerSettings {
    /// The versions that are spoken.
    public var versions = TLSVersion.version12...TLSVersion.version13
    /// The ciphers.
    public var ciphers = CipherList()
    /// Whether clients are asked for a certificate. Where they are there are no session tickets:
    /// each session shows its own, and it is checked as of now.
    public var clientCertificates = ClientCertificates.none
    /// Authorities, in PEM, by which a client's certificate is checked; nil: it is not.
    public private(set) var authorities: [UInt8]?
    /// Lists of revoked certificates, in PEM, one of each authority.
    public private(set) var revoked: [UInt8]?
    /// Keys of session tickets; nil for none.
    public var tickets: TicketKeys?

    /// The defaults.
    public init() {}

    /// Clients' certificates are checked by these authorities, in PEM.
    /// - Throws: `TLSError` when there is none, or one that cannot be read.
    public mutating func trust(_ authorities: [UInt8]) throws(TLSError) {
        try Context(TLS_server_method(), versions).trust(authorities, isTold: false)
        self.authorities = authorities
    }

    /// And are in none of these lists, in PEM: then each authority must have one.
    /// - Throws: `TLSError` when there is none, or one that cannot be read.
    public mutating func distrust(_ revoked: [UInt8]) throws(TLSError) {
        try Context(TLS_server_method(), versions).distrust(revoked)
        self.revoked = revoked
    }
}
