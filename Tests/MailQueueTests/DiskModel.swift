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
    private enum Change {
        case folder(String)
        case link(String, file: Int)
        case removed(String)
        case renamed(String, String)
        /// So many changes of a file's bytes are on the disk.
        case length(file: Int, count: Int)
    }

    /// A change of bytes.
    private enum Write {
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

    private struct Content {
        var writes: [Write] = []
        /// So many of them are on the disk for certain.
        var synced = 0
        /// Where the next write(2) goes.
        var offset = 0
    }

    private let top: String
    /// True for a journal that keeps order.
    let keepsOrder: Bool
    private var contents: [Content] = []
    private var names: [String: Int] = [:]
    private var open: [String: Int] = [:]
    /// What the descriptors of processes are.
    private var descriptors: [String: String] = [:]
    private var changes: [Change] = []
    /// Which of the changes are on the disk for certain.
    private var synced: Set<Int> = []

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

extension DiskModel {
    /// What is uncertain: changes of names by number, and writes that are not synced.
    private struct Doubt: Hashable {
        var change: Int?
        var file = 0
        var write = 0
    }

    private var doubts: [Doubt] {
        var doubts = changes.indices.filter { !synced.contains($0) }.map { Doubt(change: $0) }
        for file in contents.indices {
            for write in contents[file].synced..<contents[file].writes.count {
                doubts.append(Doubt(change: nil, file: file, write: write))
            }
        }
        return doubts
    }

    /// True when a file was made.
    var hasFiles: Bool { !contents.isEmpty }

    /// What may be there after the power failed: nothing that was in doubt, all, each alone, all
    /// but each, some at random; and writes of which only half is there.
    func images(_ random: inout SeededRandom) -> Set<DiskImage> {
        let doubts = keepsOrder ? [] : doubts
        guard !keepsOrder else { return orderedImages() }
        var sets: [Set<Doubt>] = [[], Set(doubts)]
        for doubt in doubts.suffix(10) {
            sets.append([doubt])
            sets.append(Set(doubts).subtracting([doubt]))
        }
        for _ in 0..<3 { sets.append(Set(doubts.filter { _ in random.below(2) == 0 })) }
        var images = Set(sets.map { image(with: $0, tornAt: nil) })
        for doubt in doubts where doubt.change == nil {
            images.insert(image(with: Set(doubts), tornAt: doubt))
        }
        return images
    }

    /// Every prefix of what the journal has not committed, without and with bytes that were
    /// written out earlier than they had to be.
    private func orderedImages() -> Set<DiskImage> {
        let first = (synced.max() ?? -1) + 1
        var images: Set<DiskImage> = []
        for count in first...changes.count {
            images.insert(image(upTo: count, hasAllBytes: false))
            images.insert(image(upTo: count, hasAllBytes: true))
        }
        return images
    }

    private func image(upTo count: Int, hasAllBytes: Bool) -> DiskImage {
        var lengths: [Int: Int] = [:]
        for case .length(let file, let writes) in changes[..<count] { lengths[file] = writes }
        return image(of: Array(0..<count)) { file in
            let whole = contents[file].writes
            return Array(hasAllBytes ? whole[...] : whole[..<(lengths[file] ?? 0)])
        }
    }

    private func image(with kept: Set<Doubt>, tornAt torn: Doubt?) -> DiskImage {
        let applied = changes.indices.filter {
            synced.contains($0) || kept.contains(Doubt(change: $0))
        }
        return image(of: applied) { file in
            contents[file].writes.enumerated().compactMap { number, write in
                let doubt = Doubt(change: nil, file: file, write: number)
                if doubt == torn { return write.half }
                return number < contents[file].synced || kept.contains(doubt) ? write : nil
            }
        }
    }

    private func image(of applied: [Int], _ writes: (Int) -> [Write]) -> DiskImage {
        var names: [String: Int] = [:]
        var folders: Set<String> = []
        for number in applied {
            switch changes[number] {
            case .folder(let path): folders.insert(path)
            case .link(let path, let file): names[path] = file
            case .removed(let path): names[path] = nil
            case .renamed(let old, let new):
                if let file = names.removeValue(forKey: old) { names[new] = file }
            case .length: break
            }
        }
        var image = DiskImage(folders: folders)
        for (path, file) in names where DiskModel.isReachable(path, folders, top: "") {
            var bytes: [UInt8] = []
            for write in writes(file) { write.apply(to: &bytes) }
            image.files[path] = bytes
        }
        return image
    }

    /// True when every folder on the way was made and is there; `spool` and `mail` always are.
    private static func isReachable(_ path: String, _ folders: Set<String>, top: String) -> Bool {
        let parts = path.split(separator: "/").dropLast()
        var way = ""
        for (depth, part) in parts.enumerated() {
            way += depth == 0 ? "\(part)" : "/\(part)"
            if depth > 0, !folders.contains(way) { return false }
        }
        return true
    }
}
