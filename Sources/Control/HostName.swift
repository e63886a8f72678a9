// HostName: what this host calls itself, where control/me does not say.
// gethostname(2).
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

extension ControlFolder {
    /// `me`, else the name that this host has.
    /// - Throws: `ControlError`; `SystemError` when the host has no name that fits.
    public func meOrHost() throws -> [UInt8] {
        if let me = try line("me"), !me.isEmpty { return me }
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else {
            throw SystemError.last("gethostname", "this host")
        }
        return name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
    }
}
