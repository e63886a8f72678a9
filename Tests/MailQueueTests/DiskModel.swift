// DiskModel: what may be on a disk when its power fails, after calls that were seen.
// queue(5), section WHO WRITES WHAT WHEN.
// SPDX-License-Identifier: MIT

import TestSupport

/// What a disk holds: files below a folder by their paths in it.
struct DiskImage: Hashable {
    var files: [String: [UInt8]] = [:]
    var folders: Set<String> = []
}

/// Follows calls, and knows what of them is certain to be on the disk.
///
/// On a file system that keeps no order anything that was not synced may be there or not, each for
/// itself: bytes of a file until it is synced, names until their folder is. A rename is there or
/// not, as a whole. On one whose journal keeps order (ext4, XFS) names and lengths come to the disk
/// in the order in which they were made, and a file gets its length when its bytes are written out.
struct DiskModel {
    /// A change of names.
    enum Change {
        case folder(String)
        case link(String, file: Int)
        case removed(String)
        case renamed(String, String)
        /// So many changes of a file's bytes are on the disk.
        case length(file: Int, count: Int)
    }

    /// A change of bytes.
    enum Write {
        case bytes([UInt8], at: Int)
        case cut(Int)

        /// What half of it would be.
        var half: Write {
            switch self {
            case .bytes(let bytes, let offset):
                .bytes(Array(bytes.prefix(bytes.count / 2)), at: offset)
            case .cut: self
            }
        }

        func apply(to file: inout [UInt8]) {
            switch self {
            case .cut(let length):
                file = Array(file.prefix(length))
                file += [UInt8](repeating: 0, count: length - file.count)
            case .bytes(let bytes, let offset):
                let end = offset + bytes.count
                if file.count < end { file += [UInt8](repeating: 0, count: end - file.count) }
                file.replaceSubrange(offset..<end, with: bytes)
            }
        }
    }

    struct Content {
        var writes: [Write] = []
        /// So many of them are on the disk for certain.
        var synced = 0
        /// Where the next write(2) goes.
        var offset = 0
    }

    private let top: String
    /// True for a journal that keeps order.
    let keepsOrder: Bool
    var contents: [Content] = []
    private var names: [String: Int] = [:]
    private var open: [String: Int] = [:]
    /// What the descriptors of processes are.
    private var descriptors: [String: String] = [:]
    var changes: [Change] = []
    /// Which of the changes are on the disk for certain.
    var synced: Set<Int> = []

    init(below top: String, keepsOrder: Bool) {
        self.top = "\(top)/"
        self.keepsOrder = keepsOrder
    }

    /// Follows a call.
    /// - Returns: false for one that changes nothing here.
    mutating func follow(_ call: SystemCall) -> Bool {
        guard call.result >= 0 else { return false }
        for argument in call.arguments where argument.words.contains("<") {
            descriptors["\(call.process) \(argument.number)"] = argument.text
        }
        switch call.name {
        case "openat": return followOpen(call)
        case "write", "pwrite64", "ftruncate": return followWrite(call)
        case "sync_file_range", "fdatasync", "fsync": return followSync(call)
        default: return followNames(call)
        }
    }

    private func inside(_ path: String) -> String? {
        path.hasPrefix(top) ? String(path.dropFirst(top.count)) : nil
    }

    private mutating func followOpen(_ call: SystemCall) -> Bool {
        let flags = call.argument(2).words
        guard let path = inside(call.resultPath) else { return false }
        let isNameless = flags.contains("O_TMPFILE")
        if !isNameless, let file = names[path] {
            open[call.resultPath] = file
            contents[file].offset = 0
            return false
        }
        guard isNameless || flags.contains("O_CREAT") else { return false }
        contents.append(Content())
        open[call.resultPath] = contents.count - 1
        guard !isNameless else { return false }
        names[path] = contents.count - 1
        changes.append(.link(path, file: contents.count - 1))
        return true
    }

    private mutating func followWrite(_ call: SystemCall) -> Bool {
        guard let file = open[call.argument(0).text] else { return false }
        switch call.name {
        case "ftruncate": contents[file].writes.append(.cut(call.argument(1).number))
        case "pwrite64":
            contents[file].writes.append(
                .bytes(
                    Array(call.argument(1).bytes.prefix(call.result)), at: call.argument(3).number))
        default:
            contents[file].writes.append(
                .bytes(
                    Array(call.argument(1).bytes.prefix(call.result)), at: contents[file].offset))
            contents[file].offset += call.result
        }
        return true
    }

    private mutating func followSync(_ call: SystemCall) -> Bool {
        let path = call.argument(0).text
        if let file = open[path] {
            if keepsOrder { settle(file) }
            guard call.name != "sync_file_range" else { return keepsOrder }
            if keepsOrder {
                let last = changes.lastIndex { change in
                    if case .length(file, _) = change { true } else { false }
                }
                if let last, !synced.contains(last) { synced = Set(changes.indices) }
            }
            contents[file].synced = contents[file].writes.count
            return true
        }
        guard call.name == "fsync", let folder = inside("\(path)/") else { return false }
        let mine = changes.indices.filter { DiskModel.folders(of: changes[$0]).contains(folder) }
        if keepsOrder {
            if let last = mine.last, !synced.contains(last) { synced = Set(changes.indices) }
        } else {
            synced.formUnion(mine)
        }
        return true
    }

    private mutating func settle(_ file: Int) {
        let count = contents[file].writes.count
        let last = changes.lazy.reversed().compactMap { change -> Int? in
            if case .length(file, let count) = change { count } else { nil }
        }.first
        if last ?? 0 != count { changes.append(.length(file: file, count: count)) }
    }

    private mutating func followNames(_ call: SystemCall) -> Bool {
        switch call.name {
        case "mkdirat":
            guard let path = inside(call.path(0, 1)) else { return false }
            changes.append(.folder(path))
        case "linkat":
            guard let path = inside(call.path(2, 3)) else { return false }
            let source = call.path(0, 1)
            let number = source.hasPrefix("/proc/self/fd/") ? source.dropFirst(14) : ""
            let file =
                number.isEmpty
                ? names[inside(source) ?? ""]
                : descriptors["\(call.process) \(number)"].flatMap { open[$0] }
            guard let file else { return false }
            names[path] = file
            changes.append(.link(path, file: file))
        case "unlinkat":
            guard let path = inside(call.path(0, 1)), names.removeValue(forKey: path) != nil else {
                return false
            }
            changes.append(.removed(path))
        case "renameat", "renameat2", "rename":
            let isShort = call.name == "rename"
            guard let old = inside(isShort ? call.argument(0).text : call.path(0, 1)),
                let new = inside(isShort ? call.argument(1).text : call.path(2, 3)),
                let file = names.removeValue(forKey: old)
            else { return false }
            names[new] = file
            changes.append(.renamed(old, new))
        default: return false
        }
        return true
    }

    private static func folders(of change: Change) -> Set<String> {
        func parent(_ path: String) -> String {
            path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        }
        return switch change {
        case .folder(let path), .link(let path, _), .removed(let path): [parent(path)]
        case .renamed(let old, let new): [parent(old), parent(new)]
        case .length: []
        }
    }
}
