// DiskModel+Images: every disk that the power may leave, or enough of them.
// queue(5), section WHO WRITES WHAT WHEN.
// SPDX-License-Identifier: MIT

import TestSupport

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
