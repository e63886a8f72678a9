// ClientNames: the names of a client that lead back to its address.
// RFC 7208, section 5.5.
// SPDX-License-Identifier: MIT

import MailModel
import Resolver

struct ClientNames {
    /// False when the address has no name at all.
    let hasAny: Bool
    /// Verified, in the order of the answer.
    let validated: [DomainName]

    /// Looks at the first ten names; one whose look-up fails is skipped.
    init(of client: IPAddress, _ lookups: inout CountedResolver) {
        // An error of the DNS is no match, not a temperror: the domain is not to blame for it.
        let names = (try? lookups.names(client)) ?? []
        hasAny = !names.isEmpty
        var validated: [DomainName] = []
        for name in names.prefix(SenderPolicy.maximumClientNames) where !name.isRoot {
            let addresses = try? lookups.addresses(name.bytes, like: client)
            if addresses?.contains(client) == true { validated.append(name) }
        }
        self.validated = validated
    }

    /// True when a validated name is the domain or below it.
    func match(_ domain: [UInt8]) -> Bool {
        validated.contains {
            ClientNames.is($0, below: domain) || ClientNames.is($0, equalTo: domain)
        }
    }

    /// What `%{p}` stands for: the domain itself, else a name below it, else any, else `unknown`.
    /// Section 7.3.
    func best(for domain: [UInt8]) -> [UInt8] {
        let name =
            validated.first { ClientNames.is($0, equalTo: domain) }
            ?? validated.first { ClientNames.is($0, below: domain) } ?? validated.first
        return name?.bytes ?? Array("unknown".utf8)
    }

    private static func `is`(_ name: DomainName, equalTo domain: [UInt8]) -> Bool {
        name.bytes.equalsIgnoringASCIICase(domain)
    }

    private static func `is`(_ name: DomainName, below domain: [UInt8]) -> Bool {
        name.bytes.count > domain.count
            && name.bytes.suffix(domain.count + 1).equalsIgnoringASCIICase([0x2E] + domain)
    }
}
