// Programs: where the other executables are.
// chainmail(7), section FILES.
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

/// Finding executables: beside the one that runs, then in PATH.
public enum Programs {
    /// The path of an executable; nil when there is none. A name that holds a slash is a path and
    /// is not searched for.
    public static func find(_ name: String) -> String? {
        guard !name.contains("/") else { return isExecutable(name) ? name : nil }
        guard !name.isEmpty else { return nil }
        let folders = [ownFolder].compactMap(\.self) + searchPath
        return folders.lazy.map { "\($0)/\(name)" }.first(where: isExecutable)
    }

    /// The folder of the executable that runs; nil when /proc does not say.
    public static var ownFolder: String? {
        guard let path = realpath("/proc/self/exe", nil) else { return nil }
        defer { free(path) }
        return String(cString: path).split(separator: "/").dropLast()
            .reduce(into: "") { $0 += "/\($1)" }
    }

    private static var searchPath: [String] {
        let path = Environment.text("PATH") ?? "/usr/local/bin:/usr/bin:/bin"
        // An empty entry means the current folder to a shell; to us it means nothing.
        return path.split(separator: ":").map(String.init)
    }

    private static func isExecutable(_ path: String) -> Bool {
        guard let status = try? Files.status(path) else { return false }
        return status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }
}
