// Zone: names, their records, and how each name answers.
// zone-server(8); RFC 1034, section 4.3.2; RFC 4592.
// SPDX-License-Identifier: MIT

import Resolver

/// One name of a zone.
struct Node {
    struct Item {
        let type: UInt16
        let timeToLive: UInt32
        let data: [UInt8]
    }

    /// What happens to a question for a type of which the name has no record.
    enum Otherwise {
        case noData
        case silence
        case refusal(code: UInt8)
    }

    var items: [Item] = []
    var otherwise = Otherwise.noData
    /// True when an answer by UDP only says to ask again by TCP.
    var truncates = false
}

/// What there is to answer.
enum ZoneAnswer {
    case silence
    case code(UInt8)
    case records([(owner: DomainName, item: Node.Item)], code: UInt8, Terms)

    /// How the records are given.
    struct Terms {
        /// By UDP the answer only says to ask again by TCP.
        var truncates = false
        /// Every name on the way is in a zone that is signed.
        var isSecure = true
    }
}

struct Zone {
    static let nameError: UInt8 = 3
    static let maximumAliases = 16

    private(set) var nodes: [DomainName: Node] = [:]
    /// Every name that exists because something is below it.
    private var parents: Set<DomainName> = []
    /// Names at which what is signed, or is not, begins.
    var marks: [DomainName: Bool] = [:]

    /// The node of a name, made where it is missing.
    subscript(name: DomainName) -> Node {
        get { nodes[name] ?? Node() }
        set {
            nodes[name] = newValue
            var above = name.parent
            while let parent = above, parents.insert(parent).inserted { above = parent.parent }
        }
    }

    /// Follows aliases as a resolver does and gives the whole chain.
    func answer(_ name: DomainName, _ type: UInt16) -> ZoneAnswer {
        var chain: [(owner: DomainName, item: Node.Item)] = []
        var name = name
        var terms = ZoneAnswer.Terms()
        for _ in 0...Zone.maximumAliases {
            terms.isSecure = terms.isSecure && isSecure(name)
            guard let node = find(name) else {
                return .records(chain, code: Zone.nameError, terms)
            }
            terms.truncates = terms.truncates || node.truncates
            let wanted = node.items.filter { $0.type == type }
            chain += wanted.map { (name, $0) }
            let alias = node.items.first { $0.type == RecordType.cname.rawValue }
            guard wanted.isEmpty, let alias, let target = DomainName(wire: alias.data) else {
                guard wanted.isEmpty else { return .records(chain, code: 0, terms) }
                return Zone.otherwise(node, chain, terms)
            }
            chain.append((name, alias))
            name = target
        }
        return .records(chain, code: 0, terms)
    }

    /// True when the closest mark at or above the name says so.
    private func isSecure(_ name: DomainName) -> Bool {
        var above: DomainName? = name
        while let name = above {
            if let mark = marks[name] { return mark }
            above = name.parent
        }
        return marks[.root] ?? false
    }

    private static func otherwise(
        _ node: Node, _ chain: [(owner: DomainName, item: Node.Item)], _ terms: ZoneAnswer.Terms
    ) -> ZoneAnswer {
        switch node.otherwise {
        case .noData: .records(chain, code: 0, terms)
        case .silence: .silence
        case .refusal(let code): .code(code)
        }
    }

    /// The node of a name: its own, an empty one where only names below it exist, else the
    /// wildcard's of the closest name above it that exists. Nil when the name does not exist.
    private func find(_ name: DomainName) -> Node? {
        if let node = nodes[name] { return node }
        if parents.contains(name) { return Node() }
        var above = name.parent
        while let parent = above {
            if let star = DomainName([0x2A, 0x2E] + parent.bytes), let node = nodes[star] {
                return node
            }
            if nodes[parent] != nil || parents.contains(parent) { return nil }
            above = parent.parent
        }
        return nil
    }
}

extension DomainName {
    /// The name without its leftmost label; nil for names of one label.
    var parent: DomainName? {
        bytes.firstIndex(of: 0x2E).flatMap { DomainName(bytes[($0 + 1)...]) }
    }
}
