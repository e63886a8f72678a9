// LoginConversation: one login, whatever its mechanism.
// auth-protocol(7); RFC 4954; RFC 7628.
// SPDX-License-Identifier: MIT

import AuthProtocol
import Credentials
import MailModel
import SASL

/// Goes through the rounds of a conversation and turns what mechanism and sources say into answers.
final class LoginConversation {
    private enum Way {
        case library(SASLConversation)
        case token
        /// A token was refused, and the client must still answer the error.
        case tokenRefused
        case none
    }

    private let desk: LoginDesk
    private var way: Way
    /// True once a client that gave no token was asked for it.
    private var hasAsked = false
    /// The login that the client named, for logs.
    private(set) var login: [UInt8]?

    /// A conversation, when something here serves its mechanism.
    init(
        _ question: AuthQuestion, _ library: SASLLibrary, _ sources: CredentialSources
    ) throws(SASLError) {
        desk = LoginDesk(question, sources)
        let mechanism = AuthMechanism(rawValue: question.mechanism)
        switch mechanism {
        case .some(let mechanism) where !mechanism.isServed(by: sources.abilities): way = .none
        case .oauthBearer: way = .token
        case .some(let mechanism):
            way = .library(try SASLConversation(mechanism.rawValue, library, desk))
        case nil: way = .none
        }
    }

    /// Takes what the client said last; nil when it has said nothing yet.
    func step(_ response: [UInt8]?) -> AuthReply {
        desk.begin()
        switch way {
        case .library(let conversation):
            let step = conversation.step(response)
            // As the sources compare it: who counts failures of a login must not take one that is
            // written in many ways for many.
            login = conversation.login.map { SASLLibrary.prepared($0) ?? $0 }
            return answer(step, conversation)
        case .token: return token(response)
        case .tokenRefused:
            // RFC 7628, section 3.2.3: whatever the client answers, it has failed.
            return .refused(.credentials, login: login)
        case .none: return .refused(.mechanism)
        }
    }

    private func answer(_ step: SASLStep, _ conversation: SASLConversation) -> AuthReply {
        // Whatever the mechanism made of it: the sources did not know.
        if case .unavailable(let reason) = desk.finding { return .unavailable(reason) }
        switch step {
        case .challenge(let bytes): return .challenge(bytes)
        case .failed(let error): return .unavailable("\(error)")
        case .refused(let reason): return .refused(AuthRefusal(reason), login: login)
        case .accepted(let final):
            guard case .accepted(let user) = desk.finding else {
                return .refused(.credentials, login: login)
            }
            let names = [conversation.login, user].compactMap(\.self)
            guard LoginConversation.mayAct(as: conversation.authorization, names) else {
                return .refused(.authorization, login: login)
            }
            return .accepted(user: user, final: final)
        }
    }

    /// Nobody acts for anybody else here: who is named must be who has logged in, by the name that
    /// he has shown to be his or by the one that he has here.
    private static func mayAct(as identity: [UInt8]?, _ names: [[UInt8]]) -> Bool {
        guard let identity, !identity.isEmpty else { return true }
        return names.contains(identity)
            || SASLLibrary.prepared(identity).map(names.contains) == true
    }

    private func token(_ response: [UInt8]?) -> AuthReply {
        guard let response, !response.isEmpty else {
            defer { hasAsked = true }
            return hasAsked ? .refused(.malformed, login: login) : .challenge([])
        }
        guard let bearer = OAuthBearer(response) else { return .refused(.malformed, login: login) }
        defer { Secret.erase(bearer.token) }
        login = bearer.authorization.isEmpty ? nil : bearer.authorization
        let isRight =
            !bearer.token.isEmpty
            && desk.verifies(token: bearer.token, for: bearer.authorization)
        switch desk.finding {
        case .unavailable(let reason): return .unavailable(reason)
        case .accepted(let user) where isRight && LoginConversation.mayAct(as: login, [user]):
            return .accepted(user: user, final: nil)
        default:
            way = .tokenRefused
            return .challenge(OAuthBearer.errorChallenge("invalid_token"))
        }
    }
}

extension AuthMechanism {
    /// True when one of the sources can do what it takes.
    func isServed(by abilities: Abilities) -> Bool {
        switch self {
        case .plain, .login: abilities.contains(.verify)
        case .scramSHA256, .scramSHA256Plus: abilities.contains(.scram)
        case .cramMD5: abilities.contains(.cramMD5)
        case .oauthBearer: abilities.contains(.token)
        case .external: abilities.contains(.certificate)
        }
    }
}

extension AuthRefusal {
    fileprivate init(_ reason: SASLRefusal) {
        self =
            switch reason {
            case .credentials: .credentials
            case .malformed: .malformed
            case .downgrade: .downgrade
            case .binding: .binding
            }
    }
}
