// ScanLimits: how far a scan goes. What is over a limit is not known, never clean.
// virus-scan(8), section LIMITS.
// SPDX-License-Identifier: MIT

/// The limits of one scan. Each becomes a limit of libclamav.
public struct ScanLimits: Hashable, Sendable {
    /// Bytes of message and of everything unpacked from it together.
    public var size = 100 << 20
    /// Files in the message and in its archives together.
    public var files = 10_000
    /// How deep parts and archives may be nested; libclamav allows at most 100.
    public var depth = 17
    /// How long it may take.
    public var time = Duration.seconds(60)

    /// The defaults: 100 MiB, 10,000 files, 17 deep, 60 seconds.
    public init() {}
}
