// A policy as libspf2 gets it.
// RFC 7208, sections 4.6.2 and 4.6.3.
// SPDX-License-Identifier: MIT

import MailModel

extension Evaluation {
    /// The terms of a frame's policy, tokens in place of names. Left out is what cannot match the
    /// client; redirect comes last, and only without `all`, which libspf2 would not see to.
    func terms(of index: Int) throws(Stop) -> [String] {
        let policy = frames[index].policy
        var terms: [String] = []
        var isInRun = false
        for (number, directive) in policy.directives.enumerated() {
            guard let words = term(directive, Token(frame: index, part: .term(number))) else {
                continue
            }
            let takesLookups = directive.mechanism.takesLookups
            if !takesLookups, !isInRun {
                terms.append("?exists:\(Token(frame: index, part: .run(number)).text)")
            }
            isInRun = !takesLookups
            terms.append(words)
            // What follows `all` was read, and is not evaluated. Section 5.1.
            if directive.mechanism == .all { return try checked(terms) }
        }
        if policy.redirect != nil {
            terms.append("redirect=\(Token(frame: index, part: .redirect).text)")
        }
        return try checked(terms)
    }

    private func checked(_ terms: [String]) throws(Stop) -> [String] {
        guard terms.count <= SenderPolicy.maximumTerms else {
            throw .permanent("more than \(SenderPolicy.maximumTerms) terms")
        }
        return terms
    }

    /// Nil for a directive that cannot match a client of this family.
    private func term(_ directive: Directive, _ token: Token) -> String? {
        let qualifier = String(UnicodeScalar(directive.qualifier.rawValue))
        switch directive.mechanism {
        case .all: return "\(qualifier)all"
        case .include: return "\(qualifier)include:\(token.text)"
        // libspf2 takes more than ten names of a client for an error, and an error for temporary.
        case .ptr, .exists: return "\(qualifier)exists:\(token.text)"
        case .a(_, let lengths): return "\(qualifier)\(names("a", lengths, token))"
        case .mx(_, let lengths): return "\(qualifier)\(names("mx", lengths, token))"
        case .addresses(let block):
            guard block.bytes.count == question.client.bytes.count else { return nil }
            // libspf2 refuses a prefix length of 0.
            return block.prefixLength == 0 ? "\(qualifier)all" : "\(qualifier)\(block.term)"
        }
    }

    /// With a prefix length of 0 any address matches, which libspf2 only understands as `exists`.
    private func names(_ name: String, _ lengths: PrefixLengths, _ token: Token) -> String {
        let length = lengths.length(for: question.client)
        guard length > 0 else { return "exists:\(token.text)" }
        let slashes = question.client.isVersion4 ? "/" : "//"
        return "\(name):\(token.text)\(slashes)\(length)"
    }
}

extension Mechanism {
    /// True for what section 4.6.4 counts.
    var takesLookups: Bool {
        switch self {
        case .all, .addresses: false
        case .include, .a, .mx, .ptr, .exists: true
        }
    }
}

extension AddressBlock {
    /// The block in the form that inet_pton(3) reads.
    fileprivate var term: String {
        guard bytes.count == 16 else {
            return "ip4:\(bytes.map(String.init).joined(separator: "."))/\(prefixLength)"
        }
        let groups = stride(from: 0, to: 16, by: 2).map {
            String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16)
        }
        return "ip6:\(groups.joined(separator: ":"))/\(prefixLength)"
    }
}
