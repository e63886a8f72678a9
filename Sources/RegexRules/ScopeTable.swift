// ScopeTable: the scopes that rules look at.
// regex-rules(5), section SCOPES.
// SPDX-License-Identifier: MIT

/// The scopes that rules look at, each once, so that what is read for one rule serves all.
struct ScopeTable {
    /// The scopes; a rule knows its own by the number.
    private(set) var scopes: [Scope] = []

    /// The number of a scope.
    mutating func number(of scope: Scope) -> Int {
        if let number = scopes.firstIndex(of: scope) { return number }
        scopes.append(scope)
        return scopes.count - 1
    }

    /// True when it is certain that something must be decoded.
    var needsDecoder: Bool { scopes.contains(where: \.needsDecoder) }
}
