// ServerContext: the certificates of a server; the name that a client asks for chooses one.
// SSL_CTX_set_tlsext_servername_callback(3); RFC 6066, section 3.
// SPDX-License-Identifier: MIT

import COpenSSL

/// What the sessions of a server are made from. Made before a fork, it is shared by all workers.
public final class ServerContext: TLSContext {
    private let fallback: Context
    /// By whole names, then by what follows the first label.
    private var exact: [String: Context] = [:]
    private var wildcards: [String: Context] = [:]

    /// A server with one certificate for names that it does not know and for clients that name
    /// none.
    /// - Throws: `TLSError`, also for a key that is too small for OpenSSL's security level 2.
    public init(_ fallback: Credential, _ settings: ServerSettings = ServerSettings())
        throws(TLSError)
    {
        self.settings = settings
        self.fallback = try Context(serving: fallback, settings)
        ask()
        let owner = Unmanaged.passUnretained(self).toOpaque()
        copenssl_set_chooser(self.fallback.pointer, owner) { owner, name in
            guard let owner, let name else { return nil }
            let server = Unmanaged<ServerContext>.fromOpaque(owner).takeUnretainedValue()
            return server.context(for: String(cString: name))?.pointer
        }
    }

    private let settings: ServerSettings

    /// Adds a certificate for names; `*.` before a domain stands for any one label, and a name
    /// without it goes first.
    /// - Throws: `TLSError`.
    public func add(_ credential: Credential, for names: [String]) throws(TLSError) {
        let context = try Context(serving: credential, settings)
        for name in names.map({ $0.lowercased() }) {
            if name.hasPrefix("*.") {
                wildcards[String(name.dropFirst(2))] = context
            } else {
                exact[name] = context
            }
        }
    }

    /// A session that has said nothing.
    public func connection() throws(TLSError) -> Connecting {
        Connecting(try fallback.connection(), isServer: true)
    }

    private func context(for name: String) -> Context? {
        var name = name.lowercased()
        // RFC 6066 says no dot at the end; some clients have one.
        if name.hasSuffix(".") { name.removeLast() }
        if let context = exact[name] { return context }
        guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return nil }
        return wildcards[String(name[name.index(after: dot)...])]
    }

    /// Whether clients are asked; a session keeps what its first context says.
    private func ask() {
        guard settings.clientCertificates == .ask else { return }
        // Any certificate passes here: `TLSPeer` says whether it was in order.
        SSL_CTX_set_verify(fallback.pointer, SSL_VERIFY_PEER) { _, _ in 1 }
    }
}

extension Context {
    fileprivate convenience init(
        serving credential: Credential, _ settings: ServerSettings
    ) throws(TLSError) {
        try self.init(TLS_server_method(), settings.versions)
        try settings.ciphers.use(in: pointer)
        try credential.use(in: pointer)
        copenssl_set_dh_auto(pointer)
        let name = Array("chainmail".utf8)
        SSL_CTX_set_session_id_context(pointer, name, UInt32(name.count))
        let asks = settings.clientCertificates == .ask
        copenssl_set_tickets(pointer, asks ? nil : settings.tickets?.pointer)
        // A client is checked by the context of the name that it called us by.
        if let authorities = settings.authorities { try trust(authorities, isTold: true) }
        if let revoked = settings.revoked { try distrust(revoked) }
    }
}
