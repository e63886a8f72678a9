// Library: GMime, made ready.
// RFC 2045.
// SPDX-License-Identifier: MIT

import CGMime

/// Whoever has one may read messages.
public struct Library: Sendable {
    /// Makes the library ready; it survives a fork.
    public init() { cgmime_start() }
}
