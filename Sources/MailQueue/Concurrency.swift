// Concurrency: how many deliveries may run at once.
// queue-manager(8), section CONCURRENCY.
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// The limits of both channels and of each remote domain.
public struct Concurrency: Hashable, Sendable {
    /// No limit is higher.
    public static let most = 500

    /// Local deliveries at once; 0 stops them.
    public var local = 20
    /// Remote deliveries at once; 0 stops them.
    public var remote = 20
    /// Of these at most so many to one domain that has no limit of its own.
    public var perDestination = 10
    private var table: ControlMap?

    /// The limits of an installation without control files.
    public init() {}

    /// The limit of a channel.
    public func of(_ channel: DeliveryChannel) -> Int { channel == .local ? local : remote }

    /// The limit of a destination: of the domain itself, else of its longest `.suffix` that has
    /// one. 0 stops deliveries to it. Local deliveries have no limit but the channel's.
    public func of(_ destination: Destination) -> Int {
        guard let domain = destination.domain else { return local }
        return table?.value(forDomain: domain)?.decimalValue ?? perDestination
    }
}

extension Concurrency {
    /// Reads `concurrencylocal`, `concurrencyremote` and `concurrencydestination`.
    /// - Throws: `ControlError`, for the last of them with the line.
    init(_ control: ControlFolder) throws(ControlError) {
        let local = try control.integer("concurrencylocal")
        let remote = try control.integer("concurrencyremote")
        self.local = min(local ?? self.local, Concurrency.most)
        self.remote = min(remote ?? self.remote, Concurrency.most)
        let lines = try control.list(Concurrency.file) ?? []
        for line in lines {
            guard read(line.bytes) else {
                throw control.invalid(
                    Concurrency.file, line.number,
                    "not a number from 1 to \(Concurrency.most), "
                        + "nor a domain or .suffix, a colon, and a number from 0")
            }
        }
        table = ControlMap(colonLines: lines.map(\.bytes))
    }

    private static let file = "concurrencydestination"

    /// Takes in `10`, and looks at `example.org:5` and `.example.org:2`; false for anything else.
    private mutating func read(_ line: [UInt8]) -> Bool {
        guard let colon = line.firstIndex(of: 0x3A) else {
            guard let number = line.decimalValue, (1...Concurrency.most).contains(number) else {
                return false
            }
            perDestination = number
            return true
        }
        guard let number = line[(colon + 1)...].decimalValue else { return false }
        return colon > 0 && number <= Concurrency.most
    }
}
