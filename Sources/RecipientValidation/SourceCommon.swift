// SourceCommon: what all sources behind a network or a library are told by options.
// rcpt-validate(8).
// SPDX-License-Identifier: MIT

public import Control
import FilterKit
import MailModel
public import Recipients
import Resolver
import UnixIO

/// Time limits, cache, resolver and our own name.
public struct SourceCommon: Sendable {
    let cache: CacheTimes
    let timeout: Duration
    let resolver: Resolver
    let name: [UInt8]

    init(_ options: Options, _ control: ControlFolder) throws {
        cache = try CacheTimes(options)
        timeout = try SourceCommon.timeout(options)
        resolver = Resolver(servers: try Resolver.servers(options, control))
        name = try control.meOrHost()
    }

    /// What `--timeout` says.
    static func timeout(_ options: Options) throws(UsageError) -> Duration {
        try options.read("timeout", timeForm, time) ?? .seconds(10)
    }

    /// A source behind the cache that `--cache` asks for.
    public func cached(_ source: any RecipientSource) -> any RecipientSource {
        CachedSource(source, cache)
    }

    /// A source's own time limit, else that of `--timeout`.
    public func timeout(
        _ text: [UInt8]?, _ spec: SourceSpec
    ) throws(ControlError) -> Duration {
        guard let text else { return timeout }
        guard let time = SourceCommon.time(text) else {
            throw spec.invalid("timeout=\(text.printable) is not \(SourceCommon.timeForm)")
        }
        return time
    }

    private static let timeForm = "a duration from 10ms to 5m"

    private static func time(_ text: [UInt8]) -> Duration? {
        Quantity.duration(text).flatMap {
            (.milliseconds(10)...Duration.seconds(300)).contains($0) ? $0 : nil
        }
    }
}
