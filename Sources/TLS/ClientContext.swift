// ClientContext: how servers that we connect to are checked.
// SSL_CTX_set_verify(3), SSL_set1_host(3).
// SPDX-License-Identifier: MIT

import COpenSSL

/// What connections of a client are made from.
public struct ClientSettings {
    /// The versions that are spoken.
    public var versions = TLSVersion.version12...TLSVersion.version13
    /// The ciphers.
    public var ciphers = CipherList()
    /// Authorities, in PEM: a server whose certificate they did not make is refused. Nil: any
    /// certificate is taken.
    public var authorities: [UInt8]?
    /// Who we are, for a server that asks.
    public var credential: Credential?

    /// The defaults: any server is taken.
    public init() {}

    /// Settings of these parts.
    public init(ciphers: CipherList, authorities: [UInt8]?, credential: Credential?) {
        self.ciphers = ciphers
        self.authorities = authorities
        self.credential = credential
    }
}

/// A client: one context for any number of connections.
public final class ClientContext {
    private let context: Context
    private let isChecked: Bool

    /// A client of these settings.
    /// - Throws: `TLSError`.
    public init(_ settings: ClientSettings = ClientSettings()) throws(TLSError) {
        context = try Context(TLS_client_method(), settings.versions)
        isChecked = settings.authorities != nil
        try settings.ciphers.use(in: context.pointer)
        if let authorities = settings.authorities {
            try context.trust(authorities, isTold: false)
            SSL_CTX_set_verify(context.pointer, SSL_VERIFY_PEER, nil)
        }
        try settings.credential?.use(in: context.pointer)
        guard SSL_CTX_dane_enable(context.pointer) == 1 else { throw .taken() }
    }

    /// What to connect to one server with. The server is told that this name is looked for; where
    /// there are authorities, its certificate must have it. What an earlier connection left is
    /// there to resume it.
    public func server(named name: String?, resuming session: Session? = nil) -> ServerTarget {
        ServerTarget(self, name: name, session: session)
    }

    /// The same, for a server of whose certificate something else is asked than of others'.
    public func server(named name: String?, _ check: ServerCheck) -> ServerTarget {
        ServerTarget(self, name: name, session: nil, check: check)
    }

    fileprivate func connection(_ name: String?, _ check: ServerCheck) throws(TLSError)
        -> OpaquePointer
    {
        let ssl = try context.connection()
        do throws(TLSError) {
            if let name, copenssl_set_server_name(ssl, name) != 1 { throw .taken() }
            try check.apply(to: ssl)
        } catch {
            SSL_free(ssl)
            throw error
        }
        return ssl
    }

    fileprivate func connection(_ name: String?, _ session: Session?) throws(TLSError)
        -> OpaquePointer
    {
        let ssl = try context.connection()
        do throws(TLSError) {
            if let name {
                guard copenssl_set_server_name(ssl, name) == 1,
                    !isChecked || SSL_set1_host(ssl, name) == 1
                else { throw .taken() }
            }
            if let session, SSL_set_session(ssl, session.pointer) != 1 { throw .taken() }
        } catch {
            SSL_free(ssl)
            throw error
        }
        return ssl
    }

    /// What is needed to resume a session.
    public final class Session {
        let pointer: OpaquePointer

        init(_ pointer: OpaquePointer) { self.pointer = pointer }

        deinit { SSL_SESSION_free(pointer) }

        /// True when the server gave something to resume it with.
        public var isResumable: Bool { SSL_SESSION_is_resumable(pointer) == 1 }
    }
}

/// One server as a client sees it.
public final class ServerTarget: TLSContext {
    private let client: ClientContext
    private let name: String?
    private let session: ClientContext.Session?
    /// Nil: what the context asks of all.
    let check: ServerCheck?

    fileprivate init(
        _ client: ClientContext, name: String?, session: ClientContext.Session?,
        check: ServerCheck? = nil
    ) {
        self.check = check
        self.client = client
        self.name = name
        self.session = session
    }

    /// A connection that has said nothing.
    public func connection() throws(TLSError) -> Connecting {
        if let check { return Connecting(try client.connection(name, check), isServer: false) }
        return Connecting(try client.connection(name, session), isServer: false)
    }
}
