// SASLConversation: the server's side of one login, step by step.
// RFC 4422, section 3; gsasl(3).
// SPDX-License-Identifier: MIT

import CGSASL
import Glibc
import MailModel

/// What a step came to.
public enum SASLStep: Equatable, Sendable {
    /// The client must answer this, which may be empty.
    case challenge([UInt8])
    /// The mechanism is satisfied, and gives the client this with the good news.
    case accepted(final: [UInt8]?)
    /// It is not.
    case refused(SASLRefusal)
    /// The library could not work.
    case failed(SASLError)
}

/// Why a mechanism is not satisfied: for the log, never for the client.
public enum SASLRefusal: String, Sendable {
    /// No such login, or not its password.
    case credentials
    /// What the client said is not of the mechanism's form, or is no text that it allows.
    case malformed
    /// The client is made to believe that we cannot bind to its TLS session, though we offered it.
    case downgrade
    /// The client is bound to another TLS session, or in a way that we cannot check.
    case binding
}

/// One conversation. It must end before its library does.
public final class SASLConversation {
    private let library: SASLLibrary
    private let session: OpaquePointer
    private let authority: any SASLAuthority
    private let mechanism: String
    private var steps = 0
    /// True once a property that binds was asked for.
    private var wantsBinding = false
    /// The challenge of CRAM-MD5, and the login that came back.
    private var challenge: [UInt8] = []
    private var named: [UInt8]?

    /// No mechanism needs more rounds.
    static let mostSteps = 4

    /// The properties that are secrets.
    private static let secrets = [
        GSASL_PASSWORD, GSASL_SCRAM_STOREDKEY, GSASL_SCRAM_SERVERKEY, GSASL_SCRAM_SALTED_PASSWORD,
    ]

    /// Begins a conversation.
    /// - Throws: `SASLError`, also for a mechanism that the library does not have.
    public init(
        _ mechanism: String, _ library: SASLLibrary, _ authority: any SASLAuthority
    ) throws(SASLError) {
        var session: OpaquePointer?
        let code = gsasl_server_start(library.handle, mechanism, &session)
        guard code == GSASL_OK.rawValue, let session else {
            throw SASLError("gsasl_server_start", code)
        }
        self.library = library
        self.session = session
        self.authority = authority
        self.mechanism = mechanism
        gsasl_session_hook_set(session, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        for secret in Self.secrets { cgsasl_wipe(session, secret) }
        gsasl_finish(session)
    }

    /// The login that the client named so far.
    public var login: [UInt8]? { named ?? property(GSASL_AUTHID) }

    /// The identity that the client wants to act as; nil when it names none.
    public var authorization: [UInt8]? {
        property(GSASL_AUTHZID).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Takes what the client said; nil when it has said nothing yet.
    public func step(_ input: [UInt8]?) -> SASLStep {
        steps += 1
        guard steps <= Self.mostSteps else { return .refused(.malformed) }
        // Only PLAIN has a use for NUL; the library would see the end of the text there.
        if let input, mechanism != "PLAIN", input.contains(0) { return .refused(.malformed) }
        switch mechanism {
        case "LOGIN": return stepLOGIN(input)
        case "CRAM-MD5": return stepCRAM(input)
        // RFC 5802, section 6: whoever wants to be bound uses the mechanism that binds.
        case "SCRAM-SHA-256" where steps == 1 && input?.first == 0x70:
            return .refused(.malformed)
        default: return ask(input)
        }
    }

    /// The first two rounds are prompts. Clients that give the login with AUTH skip the first, and
    /// those that read prompts know only these.
    private func stepLOGIN(_ input: [UInt8]?) -> SASLStep {
        if steps == 1 {
            guard case .challenge = ask(nil), let input else {
                return .challenge(Array("Username:".utf8))
            }
            return stepLOGIN(input, again: true)
        }
        return stepLOGIN(input, again: false)
    }

    private func stepLOGIN(_ input: [UInt8]?, again: Bool) -> SASLStep {
        if again { steps += 1 }
        let step = ask(input)
        if case .challenge = step { return .challenge(Array("Password:".utf8)) }
        return step
    }

    /// The library makes the challenge. What comes back is judged by who knows the password, or
    /// another who does.
    private func stepCRAM(_ input: [UInt8]?) -> SASLStep {
        guard let input else {
            let step = steps == 1 ? ask(nil) : .refused(.malformed)
            if case .challenge(let bytes) = step { challenge = bytes }
            return step
        }
        // RFC 4954, section 4: where the server speaks first an initial response is an error.
        // RFC 2195, section 2: a name, a blank, and 32 digits.
        guard !challenge.isEmpty, input.count > 33, input[input.count - 33] == 0x20 else {
            return .refused(.malformed)
        }
        let name = Array(input.dropLast(33))
        named = name
        return authority.verifies(name, digest: Array(input.suffix(32)), of: challenge)
            ? .accepted(final: nil) : .refused(.credentials)
    }

    private func ask(_ input: [UInt8]?) -> SASLStep {
        var output: UnsafeMutablePointer<CChar>?
        var length = 0
        let code = (input ?? []).withUnsafeBytes { bytes in
            // A pointer that is not null says that something was said, if nothing.
            let empty: StaticString = ""
            let start = UnsafeRawPointer(empty.utf8Start)
            let said = (bytes.baseAddress ?? start).assumingMemoryBound(to: CChar.self)
            return gsasl_step(session, input == nil ? nil : said, bytes.count, &output, &length)
        }
        defer { gsasl_free(output) }
        let bytes = output.map { [UInt8](UnsafeRawBufferPointer(start: $0, count: length)) }
        return result(code, bytes ?? [])
    }

    private func result(_ code: Int32, _ output: [UInt8]) -> SASLStep {
        switch Gsasl_rc(UInt32(bitPattern: code)) {
        case GSASL_OK: return .accepted(final: output.isEmpty ? nil : output)
        case GSASL_NEEDS_MORE: return .challenge(output)
        case GSASL_MECHANISM_PARSE_ERROR, GSASL_SASLPREP_ERROR, GSASL_BASE64_ERROR,
            GSASL_MECHANISM_CALLED_TOO_MANY_TIMES:
            return .refused(.malformed)
        case GSASL_NO_CB_TLS_UNIQUE, GSASL_NO_CB_TLS_EXPORTER: return .refused(.binding)
        // The library asks for the binding without PLUS only where the client says `y`.
        case GSASL_AUTHENTICATION_ERROR where wantsBinding && authority.binding != nil:
            return .refused(mechanism.hasSuffix("-PLUS") ? .credentials : .downgrade)
        case GSASL_AUTHENTICATION_ERROR, GSASL_INTEGRITY_ERROR, GSASL_NO_PASSWORD,
            GSASL_NO_AUTHID, GSASL_NO_AUTHZID, GSASL_NO_CALLBACK:
            return .refused(.credentials)
        default: return .failed(SASLError("gsasl_step", code))
        }
    }

    // MARK: What the library asks

    /// Called back by the library.
    func answer(_ property: Gsasl_property) -> Gsasl_rc {
        switch property {
        case GSASL_VALIDATE_SIMPLE:
            var password = self.property(GSASL_PASSWORD) ?? []
            defer { Secret.wipe(&password) }
            let login = self.property(GSASL_AUTHID) ?? []
            return authority.verifies(login, password: password)
                ? GSASL_OK : GSASL_AUTHENTICATION_ERROR
        case GSASL_VALIDATE_EXTERNAL:
            return authority.certifies(authorization ?? []) ? GSASL_OK : GSASL_AUTHENTICATION_ERROR
        case GSASL_SCRAM_ITER where mechanism.hasPrefix("SCRAM-"): return setKeys()
        case GSASL_CB_TLS_EXPORTER: return setBinding(property, authority.binding?.exporter)
        case GSASL_CB_TLS_UNIQUE: return setBinding(property, authority.binding?.unique)
        default: return GSASL_NO_CALLBACK
        }
    }

    /// The iterations are asked for first: all is set then.
    private func setKeys() -> Gsasl_rc {
        guard var keys = authority.scramKeys(of: login ?? []) else { return GSASL_NO_CALLBACK }
        defer {
            Secret.wipe(&keys.storedKey)
            Secret.wipe(&keys.serverKey)
        }
        let values = [
            (GSASL_SCRAM_SALT, Base64.encode(keys.salt)),
            (GSASL_SCRAM_STOREDKEY, Base64.encode(keys.storedKey)),
            (GSASL_SCRAM_SERVERKEY, Base64.encode(keys.serverKey)),
            (GSASL_SCRAM_ITER, Array("\(keys.iterations)".utf8)),
        ]
        for (property, value) in values where set(property, value) != GSASL_OK {
            return GSASL_NO_CALLBACK
        }
        return GSASL_OK
    }

    private func setBinding(_ property: Gsasl_property, _ value: [UInt8]?) -> Gsasl_rc {
        wantsBinding = true
        return set(property, value.map(Base64.encode))
    }

    private func set(_ property: Gsasl_property, _ value: [UInt8]?) -> Gsasl_rc {
        guard var bytes = value?.map({ CChar(bitPattern: $0) }) else { return GSASL_NO_CALLBACK }
        defer { Secret.wipe(&bytes) }
        let code = gsasl_property_set_raw(session, property, bytes, bytes.count)
        return Gsasl_rc(UInt32(bitPattern: code))
    }

    private func property(_ property: Gsasl_property) -> [UInt8]? {
        guard let value = gsasl_property_fast(session, property) else { return nil }
        return [UInt8](UnsafeRawBufferPointer(start: value, count: strlen(value)))
    }
}
