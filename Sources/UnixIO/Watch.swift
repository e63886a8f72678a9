// Watch: the end of a worker that takes too long.
// alarm(2).
// SPDX-License-Identifier: MIT

import CUnix

/// Kills this process by SIGALRM when it works on one thing for longer than it may. Between two
/// things it costs nothing to begin and to end.
public enum Watch {
    /// From now on no work may take longer than so many seconds.
    public static func arm(_ seconds: UInt32) { cunix_watch_arm(seconds) }

    /// Work begins.
    public static func begin() { cunix_watch_begin() }

    /// Work has ended.
    public static func end() { cunix_watch_end() }
}
