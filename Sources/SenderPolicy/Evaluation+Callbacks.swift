// What libspf2 asks during an evaluation: policies and addresses by token.
// RFC 7208, sections 4.4, 5 and 6.1.
// SPDX-License-Identifier: MIT

import CSPF2
import MailModel
import Resolver

/// The exchanges of one `mx`, and whether any of them had an address.
struct Exchanges {
    let names: [DomainName]
    var hasAddress = false
}

extension Evaluation {
    static var callbacks: cspf2_callbacks {
        cspf2_callbacks(
            policy: { context, token, terms in
                Evaluation.answer(context, token) { evaluation, token throws(Stop) in
                    for term in try evaluation.policy(token) {
                        guard cspf2_add_term(terms, term) == 0 else {
                            throw .temporary("the policy cannot be compiled")
                        }
                    }
                }
            },
            lookup: { context, token, records in
                Evaluation.answer(context, token) { evaluation, token throws(Stop) in
                    try evaluation.lookUp(token, records)
                }
            })
    }

    /// Runs one callback. A stop is kept, since libspf2 only learns that there is one.
    private static func answer(
        _ context: UnsafeMutableRawPointer?, _ token: UnsafePointer<CChar>?,
        _ body: (Evaluation, Token) throws(Stop) -> Void
    ) -> Int32 {
        guard let context, let token else { return -1 }
        let evaluation = Unmanaged<Evaluation>.fromOpaque(context).takeUnretainedValue()
        guard evaluation.stop == nil else { return -1 }
        do throws(Stop) {
            guard let token = Token(String(cString: token)) else {
                throw .temporary("an unknown token")
            }
            try body(evaluation, token)
            return 0
        } catch {
            evaluation.stop = error
            return -1
        }
    }

    /// Makes the frame of a policy that is entered and gives its terms.
    private func policy(_ token: Token) throws(Stop) -> [String] {
        if token.part == .first, let localPolicy {
            frames.append(Frame(domain: question.domain, policy: localPolicy))
            return try terms(of: frames.count - 1)
        }
        let domain = try domain(ofPolicy: token)
        guard let record = try record(of: domain) else {
            guard token.part == .first else {
                throw .permanent("no policy at \(domain.printable)")
            }
            throw Stop(result: .none, reason: "no policy")
        }
        do {
            frames.append(Frame(domain: domain, policy: try Policy(record: record)))
        } catch {
            throw .permanent("\(domain.printable): \(error.reason)")
        }
        if token.part == .redirect, token.frame == deciding { deciding = frames.count - 1 }
        return try terms(of: frames.count - 1)
    }

    private func domain(ofPolicy token: Token) throws(Stop) -> [UInt8] {
        if token.part == .first { return question.domain }
        guard frames.indices.contains(token.frame) else { throw .temporary("an unknown token") }
        frames[token.frame].last = token.part
        try lookups.beginTerm()
        let frame = frames[token.frame]
        switch token.part {
        case .redirect: return try target(frame.policy.redirect, in: frame)
        case .term(let index) where frame.policy.directives.indices.contains(index):
            guard case .include(let target) = frame.policy.directives[index].mechanism else {
                break
            }
            return try self.target(target, in: frame)
        default: break
        }
        throw .temporary("an unknown token")
    }

    /// The one text record that is a policy. Section 4.5.
    private func record(of domain: [UInt8]) throws(Stop) -> [UInt8]? {
        let policies = try lookups.texts(domain).filter(Policy.isPolicy)
        guard policies.count <= 1 else {
            throw .permanent("\(policies.count) policies at \(domain.printable)")
        }
        return policies.first
    }

    private func lookUp(_ token: Token, _ records: OpaquePointer?) throws(Stop) {
        guard frames.indices.contains(token.frame) else { throw .temporary("an unknown token") }
        frames[token.frame].last = token.part
        guard case .term(let index) = token.part else { return }
        let frame = frames[token.frame]
        guard frame.policy.directives.indices.contains(index) else {
            throw .temporary("an unknown token")
        }
        if let exchange = token.exchange {
            try add(addresses(of: exchange, Token(frame: token.frame, part: token.part)), records)
            return
        }
        try lookups.beginTerm()
        try lookUp(frame.policy.directives[index].mechanism, frame, token, records)
    }

    private func lookUp(
        _ mechanism: Mechanism, _ frame: Frame, _ token: Token, _ records: OpaquePointer?
    ) throws(Stop) {
        switch mechanism {
        case .a(let name, let lengths):
            let found = try addresses(try target(name, in: frame))
            try add(found, records, asExistence: lengths.length(for: question.client) == 0)
        case .mx(let name, let lengths):
            let isAny = lengths.length(for: question.client) == 0
            try lookUpExchanges(try target(name, in: frame), token, records, isAny: isAny)
        case .ptr(let name):
            let names = clientNames()
            if !names.hasAny { try lookups.countVoid() }
            if names.match(try target(name, in: frame)) { try addExistence(records) }
        case .exists(let name):
            let exists = try lookups.exists(try target(name, in: frame))
            if exists { try addExistence(records) } else { try lookups.countVoid() }
        case .all, .addresses, .include: throw .temporary("an unknown token")
        }
    }

    private func addresses(_ name: [UInt8]) throws(Stop) -> [IPAddress] {
        let found = try lookups.addresses(name, like: question.client)
        if found.isEmpty { try lookups.countVoid() }
        return found
    }
}

extension Evaluation {
    /// Gives libspf2 the exchanges as tokens, or, where any address matches, looks them all up.
    private func lookUpExchanges(
        _ domain: [UInt8], _ token: Token, _ records: OpaquePointer?, isAny: Bool
    ) throws(Stop) {
        // The root is the exchange of a domain that takes no mail (RFC 7505).
        let names = try lookups.exchanges(domain).filter { !$0.isRoot }
        guard names.count <= SenderPolicy.maximumExchanges else {
            throw .permanent("more than \(SenderPolicy.maximumExchanges) exchanges")
        }
        if names.isEmpty { try lookups.countVoid() }
        exchanges[token] = Exchanges(names: names)
        for number in names.indices {
            guard isAny else {
                let text = Token(frame: token.frame, part: token.part, exchange: number).text
                guard cspf2_add_exchange(records, text) == 0 else {
                    throw .temporary("too many exchanges")
                }
                continue
            }
            guard try addresses(of: number, token).isEmpty else {
                try addExistence(records)
                return
            }
        }
    }

    /// The addresses of an exchange. A term all of whose exchanges have none found nothing.
    private func addresses(of number: Int, _ token: Token) throws(Stop) -> [IPAddress] {
        guard var found = exchanges[token], found.names.indices.contains(number) else {
            throw .temporary("an unknown token")
        }
        let addresses = try lookups.addresses(found.names[number].bytes, like: question.client)
        found.hasAddress = found.hasAddress || !addresses.isEmpty
        exchanges[token] = found
        if number == found.names.count - 1, !found.hasAddress { try lookups.countVoid() }
        return addresses
    }

    private func add(
        _ addresses: [IPAddress], _ records: OpaquePointer?, asExistence: Bool = false
    ) throws(Stop) {
        guard !asExistence else {
            if !addresses.isEmpty { try addExistence(records) }
            return
        }
        // A mapped address in an AAAA record is no client's.
        for address in addresses where address.bytes.count == question.client.bytes.count {
            guard cspf2_add_address(records, address.bytes, address.bytes.count) == 0 else {
                throw .temporary("too many addresses")
            }
        }
    }

    /// libspf2's `exists` wants any IPv4 address.
    private func addExistence(_ records: OpaquePointer?) throws(Stop) {
        guard cspf2_add_address(records, [127, 0, 0, 1], 4) == 0 else {
            throw .temporary("too many addresses")
        }
    }
}
