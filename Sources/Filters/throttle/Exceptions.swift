// Exceptions: clients, networks and users that limits do not concern.
// throttle-limits(5), section EXCEPTIONS.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import UnixIO

/// A list of those who are excepted.
struct Exceptions: Hashable, Sendable {
    /// The most bytes of a file with a list.
    static let maximumSize = 16 << 20

    private var networks: Set<Network> = []
    /// The prefix lengths that there are among them.
    private var lengths: Set<Int> = []
    private var users: Set<[UInt8]> = []

    /// True when nobody is excepted.
    var isEmpty: Bool { networks.isEmpty && users.isEmpty }

    /// True when the client or the user is among them.
    func cover(_ occasion: Occasion) -> Bool {
        guard !isEmpty else { return false }
        if let user = occasion.facts[.authUser], users.contains(user) { return true }
        guard !networks.isEmpty, let address = occasion.client else { return false }
        return lengths.contains { length in
            Network(address, prefixLength: length).map(networks.contains) ?? false
        }
    }

    /// Adds a list divided by commas: `ADDRESS`, `NETWORK/N`, `user:NAME` and `file:PATH`, a file
    /// with one of these a line.
    /// - Throws: `LineError`, and `ControlError` with file and line.
    mutating func add(_ list: String) throws {
        for word in list.split(separator: ",", omittingEmptySubsequences: false) {
            guard word.hasPrefix("file:") else {
                try addOne(String(word))
                continue
            }
            try TextFile.read(String(word.dropFirst(5)), limit: Self.maximumSize) { line in
                try addOne(line)
            }
        }
    }

    private mutating func addOne(_ word: String) throws(LineError) {
        if word.hasPrefix("user:"), word.utf8.count > 5 {
            users.insert(Array(word.utf8.dropFirst(5)))
            return
        }
        guard let network = Network(Array(word.utf8)) else {
            throw LineError(word, isNot: "an address, NETWORK/N, user:NAME or file:PATH")
        }
        networks.insert(network)
        lengths.insert(network.prefixLength)
    }
}
