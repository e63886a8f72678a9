// SecuredHop: sessions with one host, brought to where its security is what it must be.
// deliver-remote(8), section TLS; RFC 3207, RFC 7672, RFC 8461, RFC 8689.
// SPDX-License-Identifier: MIT

import Delivery
import MailModel
import SMTPClient
import TLS
import UnixIO

/// What holds for a host.
struct HopTerms {
    /// How much there must be.
    enum Demand {
        /// Nothing, and nothing is tried.
        case clear
        /// TLS where it can be had.
        case opportunistic
        /// TLS with whomever.
        case encrypted
        /// TLS with a host that `check` passes.
        case verified
    }

    var demand: Demand
    var check = ServerCheck.nothing
    /// What the check is by: `dane`, `mta-sts`, `verify`, `fingerprint`, `pkix`.
    var method = ""
    /// The name that the host is told we look for.
    var serverName: String?
    /// The policy that a report names.
    var policy = AppliedPolicy.none
    /// What is wrong before anything was tried, where mail goes nevertheless.
    var flaw: TLSFailure?
    /// The host must offer REQUIRETLS.
    var requiresTLS = false
    /// TLS begins before the greeting.
    var isImplicit = false

    /// TLS there must be.
    var isMandatory: Bool { demand == .encrypted || demand == .verified }
}

/// Knows what holds for a host, makes its sessions secure, and says what came of it.
final class SecuredHop: HopSecurity {
    private let terms: HopTerms
    private let context: ClientContext
    private let label: String
    private let log: Log
    /// Counts a result: nil is success.
    private let record: (TLSFailure?) -> Void
    /// True once TLS was given up.
    private var isInClear = false
    /// True once something of TLS was said in the session.
    private var hasBegun = false
    private var engine: ClientEngine?

    init(
        _ terms: HopTerms, _ context: ClientContext, label: String, _ log: Log,
        record: @escaping (TLSFailure?) -> Void
    ) {
        self.terms = terms
        self.context = context
        self.label = label
        self.log = log
        self.record = record
    }

    var facts: [(key: String, value: String?)] {
        guard let engine else { return [("tls", "none")] }
        let isVerified = !terms.method.isEmpty && engine.trouble == nil && terms.flaw == nil
        return [
            ("tls", engine.version), ("cipher", engine.cipher),
            ("verified", isVerified ? terms.method : "no"),
        ]
    }

    func open(
        _ session: inout ClientSession, as name: [UInt8]
    ) throws(ClientError) -> Reply? {
        engine = nil
        hasBegun = false
        guard terms.demand != .clear, !isInClear else {
            try session.open(as: name)
            return nil
        }
        do throws(ClientError) {
            if let reply = try secure(&session, name) { return reply }
        } catch {
            if hasBegun { record(TLSFailure(engine?.trouble)) }
            engine = nil
            throw error
        }
        guard !terms.requiresTLS || session.extensions.requireTLS else {
            // RFC 8689, section 4.2.1.
            return Reply(
                550, EnhancedStatus(5, 7, 30),
                "REQUIRETLS was asked for, and \(label) does not offer it")
        }
        return nil
    }

    private func secure(
        _ session: inout ClientSession, _ name: [UInt8]
    ) throws(ClientError) -> Reply? {
        if terms.isImplicit {
            try session.beginTLS(try begin())
            try session.open(as: name)
            succeed()
            return nil
        }
        try session.open(as: name)
        guard session.extensions.startTLS else { return goOn("it does not offer STARTTLS") }
        switch try session.startTLS(try begin(), as: name) {
        case .secured:
            succeed()
            return nil
        case .notOffered: return goOn("it does not offer STARTTLS")
        case .refused(let reply): return goOn("it refuses STARTTLS: \(reply)")
        }
    }

    private func begin() throws(ClientError) -> TLSLayer {
        hasBegun = true
        do throws(TLSError) {
            let engine = try ClientEngine(context.server(named: terms.serverName, terms.check))
            self.engine = engine
            return TLSLayer(engine)
        } catch {
            throw .insecure(.handshake, SecureLayerError("\(error)"))
        }
    }

    /// Without TLS: on in clear where that may be, else why not.
    private func goOn(_ reason: String) -> Reply? {
        engine = nil
        record(.startTLSNotSupported)
        guard terms.isMandatory else { return nil }
        return Reply(
            451, EnhancedStatus(4, 7, 4), "TLS must be there with \(label), and \(reason)")
    }

    private func succeed() {
        guard let trouble = engine?.trouble else { return record(terms.flaw) }
        log.event("tls-not-verified", ["host": label, "error": "\(trouble)"])
        record(TLSFailure(trouble))
    }

    func goesOnInClear(after error: ClientError) -> Bool {
        guard terms.demand == .opportunistic, hasBegun, !isInClear, !terms.isImplicit else {
            return false
        }
        // Fails open: nobody has asked for more, and mail that went in clear before TLS was tried
        // must still arrive.
        isInClear = true
        log.event("tls-given-up", ["host": label, "error": error.description])
        return true
    }
}
