// Memory: how much of it a process has, and how much more this one may take.
// proc(5), cgroups(7).
// SPDX-License-Identifier: MIT

import CUnix

/// What the kernel says of memory, in bytes.
public enum Memory {
    /// From now on this process and those that it forks leave no core dump, and other processes of
    /// their user cannot look into them: for whoever holds secrets of others.
    /// - Throws: `SystemError`.
    public static func hide() throws(SystemError) {
        _ = try retrying("prctl", "memory") { cunix_hide_memory() }
    }

    /// What a process has of its own or shares with those it forked; nil when it cannot be known.
    public static func taken(by pid: Int32) -> Int? {
        kilobytes("RssAnon", in: "/proc/\(pid)/status")
    }

    /// What this process may take before something refuses or kills: the least of what the host
    /// has, what its control groups leave and what its address space leaves. Nil when nothing of
    /// it can be known.
    public static var available: Int? {
        ([kilobytes("MemAvailable", in: "/proc/meminfo"), addressSpace] + controlGroups)
            .compactMap(\.self).min()
    }

    /// What `RLIMIT_AS` leaves.
    private static var addressSpace: Int? {
        let line = lines("/proc/self/limits").first { $0.hasPrefix("Max address space") }
        guard let limit = line?.split(separator: " ").dropFirst(3).first.flatMap({ Int($0) }),
            let taken = kilobytes("VmSize", in: "/proc/self/status")
        else { return nil }
        return max(0, limit - taken)
    }

    /// What is left in each control group that this process is in, of both versions.
    private static var controlGroups: [Int?] {
        lines("/proc/self/cgroup").flatMap { line -> [Int?] in
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { return [] }
            if parts[1].isEmpty {
                return groups(parts[2], below: "/sys/fs/cgroup").map { group in
                    left("\(group)/memory.max", "\(group)/memory.current", group, "inactive_file")
                }
            }
            guard parts[1].split(separator: ",").contains("memory") else { return [] }
            return groups(parts[2], below: "/sys/fs/cgroup/memory").map { group in
                left(
                    "\(group)/memory.limit_in_bytes", "\(group)/memory.usage_in_bytes", group,
                    "total_inactive_file")
            }
        }
    }

    /// A group and those it is in. In a container the path may lead nowhere; the top is there.
    private static func groups(_ path: Substring, below top: String) -> [String] {
        var groups = [top]
        for name in path.split(separator: "/") {
            groups.append("\(groups.last ?? top)/\(name)")
        }
        return groups
    }

    /// Files that were read count as taken, but give way.
    private static func left(
        _ limit: String, _ usage: String, _ group: String, _ cached: String
    ) -> Int? {
        guard let limit = number(limit), let usage = number(usage) else { return nil }
        let line = lines("\(group)/memory.stat").first { $0.hasPrefix("\(cached) ") }
        let yielding = line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
        return max(0, limit - max(0, usage - yielding))
    }

    /// A number alone in a file; nil for the word `max`.
    private static func number(_ path: String) -> Int? {
        lines(path).first.flatMap { Int($0) }
    }

    /// The number after a name and a colon.
    private static func kilobytes(_ name: String, in path: String) -> Int? {
        let line = lines(path).first { $0.hasPrefix("\(name):") }
        let words = line?.split(whereSeparator: { $0 == " " || $0 == "\t" })
        return words?.dropFirst().first.flatMap { Int($0) }.map { $0 << 10 }
    }

    private static func lines(_ path: String) -> [Substring] {
        guard let bytes = try? Files.contents(of: path, limit: 1 << 20) else { return [] }
        return bytes.split(separator: 0x0A).map { Substring(decoding: $0, as: UTF8.self) }
    }
}
