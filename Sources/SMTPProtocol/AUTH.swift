// AUTH: the client shows who its user is.
// RFC 4954.
// SPDX-License-Identifier: MIT

import MailModel

/// Where an exchange stands.
enum AuthState {
    /// The driver has been asked.
    case asked(mechanism: String)
    /// The client has been given a challenge.
    case challenged(mechanism: String)
    /// It has been given the last one, to which it has nothing to say.
    case succeeded(user: [UInt8])
}

extension ServerSession {
    /// The longest line of an exchange, with CRLF. RFC 4954, section 4.
    static let authLineLimit = 12_288

    /// Those that the client may use as the session is now.
    var mechanisms: [String] {
        tls == nil ? settings.mechanismsInClear : settings.mechanismsUnderTLS
    }

    mutating func auth(_ argument: ArraySlice<UInt8>) -> SessionStep {
        guard !settings.mechanismsUnderTLS.isEmpty || !settings.mechanismsInClear.isEmpty else {
            return failed(.notImplemented)
        }
        guard isExtended else { return failed(.needsEHLO) }
        guard user == nil else { return failed(.alreadyAuthenticated) }
        guard transaction == nil else { return failed(.inTransaction) }
        guard !argument.isEmpty else { return failed(.badAUTH) }
        let word = argument.prefix { $0 != 0x20 }
        guard let name = mechanismName(word) else { return failed(.badAUTH) }
        guard mechanisms.contains(name) else {
            let isForTLS = tls == nil && settings.mechanismsUnderTLS.contains(name)
            return failed(isForTLS ? .needsEncryption : .unknownMechanism)
        }
        guard word.count < argument.count else { return ask(name, nil, isFirst: true) }
        let text = argument.dropFirst(word.count + 1)
        // `=` is an empty response, and nothing at all is none.
        guard !text.elementsEqual([0x3D]) else { return ask(name, [], isFirst: true) }
        guard !text.isEmpty, let response = Base64.decode(text) else {
            return failed(.badBase64)
        }
        return ask(name, response, isFirst: true)
    }

    /// The step that the verification leads to.
    public mutating func authenticated(_ answer: AuthAnswer) -> SessionStep {
        guard case .authentication(.asked(let mechanism)) = pending else {
            return .reply(.outOfStep)
        }
        pending = .nothing
        switch answer {
        case .challenge(let bytes): return challenge(bytes, .challenged(mechanism: mechanism))
        case .accepted(let user, nil): return logIn(user)
        case .accepted(let user, let final?): return challenge(final, .succeeded(user: user))
        case .refused(let reply):
            let reply = SMTPReply(reply)
            return reply.code == 421 ? .close(reply) : failed(reply)
        case .unavailable(let reply): return refused(reply)
        }
    }

    /// The step that the client's line after a challenge leads to.
    public mutating func responded(_ line: CommandLine) -> SessionStep {
        guard case .authentication(let state) = pending else { return .reply(.outOfStep) }
        pending = .nothing
        let text: [UInt8]
        switch line {
        case .line(let bytes) where bytes.count + 2 <= ServerSession.authLineLimit: text = bytes
        case .line, .tooLong: return failed(.longResponse)
        case .bareLF, .badChunk: return failed(.bareLineFeed)
        }
        if text == [0x2A] { return failed(.cancelled) }
        guard let response = Base64.decode(text[...]) else { return failed(.badBase64) }
        switch state {
        case .challenged(let mechanism): return ask(mechanism, response, isFirst: false)
        case .succeeded(let user): return response.isEmpty ? logIn(user) : failed(.badBase64)
        case .asked:
            pending = .authentication(state)
            return .reply(.outOfStep)
        }
    }

    private mutating func ask(
        _ mechanism: String, _ response: [UInt8]?, isFirst: Bool
    ) -> SessionStep {
        pending = .authentication(.asked(mechanism: mechanism))
        return .authenticate(
            AuthRequest(mechanism: mechanism, response: response, isFirst: isFirst))
    }

    private mutating func challenge(_ bytes: [UInt8], _ next: AuthState) -> SessionStep {
        let text = Base64.encode(bytes)
        guard text.count + 6 <= ServerSession.authLineLimit else {
            return .reply(.authUnavailable)
        }
        pending = .authentication(next)
        return .challenge(SMTPReply(334, nil, String(decoding: text, as: UTF8.self)))
    }

    private mutating func logIn(_ user: [UInt8]) -> SessionStep {
        become(user)
        facts[.protocolName] = protocolName
        return .reply(.authenticated)
    }

    /// Takes the client for this user, who may relay.
    mutating func become(_ user: [UInt8]) {
        self.user = user
        facts[.authUser] = user
        if facts[.relay] == nil { facts[.relay] = [] }
    }

    /// 1 to 20 letters, digits, hyphens and underscores. RFC 4422, section 3.1.
    private func mechanismName(_ word: ArraySlice<UInt8>) -> String? {
        guard (1...20).contains(word.count),
            word.allSatisfy({
                $0.isASCIILetter || $0.isASCIIDigit || $0 == 0x2D || $0 == 0x5F
            })
        else { return nil }
        return String(decoding: word.map { $0.isASCIILetter ? $0 & ~0x20 : $0 }, as: UTF8.self)
    }
}
