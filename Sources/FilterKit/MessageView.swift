// MessageView: a message as a filter sees it: the base with the pending edits laid over it.
// filter-protocol(7), section THE VIEW.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import SystemPackage
import UnixIO

/// The bytes of a message. Nothing is read before it is asked for, and nothing is copied that
/// need not be.
public struct MessageView {
    enum Base {
        case memory([UInt8])
        /// The descriptor is borrowed; it is read with pread(2), its offset means nothing.
        case file(Descriptor, offset: Int, length: Int)
    }

    /// How many bytes of header `header(limit:)` reads when it is not told: 1 MiB.
    public static let headerLimit = 1 << 20
    /// The pieces that a file is read in.
    static let chunkSize = 65_536

    let base: Base
    let overlay: HeaderOverlay

    init(_ base: Base, _ overlay: HeaderOverlay = ([] as [Edit]).overlay) {
        self.base = base
        self.overlay = overlay
    }

    /// The same message with more edits.
    func edited(_ overlay: HeaderOverlay) -> MessageView { MessageView(base, overlay) }

    /// The message as it came.
    var withoutEdits: MessageView { MessageView(base) }

    /// How many bytes the message has without the pending edits.
    public var baseLength: Int {
        switch base {
        case .memory(let bytes): bytes.count
        case .file(_, _, let length): length
        }
    }

    /// True when the message has no byte, as before stage `message`.
    public var isEmpty: Bool { baseLength == 0 && overlay.top.isEmpty }

    /// True when pending edits change the message.
    public var isEdited: Bool { !overlay.isEmpty }

    /// Calls with each piece of the message in turn; together they are the message with the
    /// pending edits made.
    /// - Throws: `FilterError` with exit 54 when the message cannot be read or is shorter than it
    ///   was said to be, and what `body` throws.
    public func forEachChunk(
        _ body: (UnsafeRawBufferPointer) throws(FilterError) -> Void
    ) throws(FilterError) {
        guard !overlay.isEmpty else {
            try forEachBaseChunk(body)
            return
        }
        try give(overlay.top, body)
        var header = HeaderFieldFilter(removing: overlay.removedNames)
        var isHeader = !overlay.removedNames.isEmpty
        try forEachBaseChunk { chunk throws(FilterError) in
            guard isHeader else { return try body(chunk) }
            var kept: [UInt8] = []
            let taken = header.take(chunk, into: &kept)
            try give(kept, body)
            isHeader = !header.isDone
            if taken < chunk.count {
                try body(UnsafeRawBufferPointer(rebasing: chunk[taken...]))
            }
        }
        var rest: [UInt8] = []
        header.finish(into: &rest)
        try give(rest, body)
    }

    /// The whole message with the pending edits made; nil when it has more than `limit` bytes.
    public func bytes(limit: Int) throws(FilterError) -> [UInt8]? {
        guard baseLength <= limit else { return nil }
        if case .memory(let bytes) = base, overlay.isEmpty { return bytes }
        var all: [UInt8] = []
        all.reserveCapacity(baseLength + overlay.top.count)
        try forEachChunk { chunk throws(FilterError) in all += chunk }
        return all.count <= limit ? all : nil
    }

    /// As much of the message with the pending edits made as `limit` allows, and whether that is
    /// all of it.
    public func beginning(
        limit: Int
    ) throws(FilterError) -> (bytes: [UInt8], isWhole: Bool) {
        if let all = try bytes(limit: limit) { return (all, true) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(limit)
        do throws(FilterError) {
            try forEachChunk { chunk throws(FilterError) in
                bytes += chunk.prefix(limit - bytes.count)
                // What is read from here on is not wanted.
                if bytes.count >= limit { throw MessageView.cutShort }
            }
        } catch {
            guard bytes.count >= limit else { throw error }
        }
        return (bytes, false)
    }

    /// Calls with pieces of the base, from its beginning to its end.
    private func forEachBaseChunk(
        _ body: (UnsafeRawBufferPointer) throws(FilterError) -> Void
    ) throws(FilterError) {
        switch base {
        case .memory(let bytes): try give(bytes, body)
        case .file(let file, let offset, let length):
            guard let end = offset.checkedSum(length) else { throw MessageView.cutShort }
            var position = offset
            while position < end {
                let count = min(MessageView.chunkSize, end - position)
                let chunk = try MessageView.read(file, at: position, count: count)
                try give(chunk, body)
                position += count
            }
        }
    }

    /// Exactly so many bytes.
    static func read(_ file: Descriptor, at offset: Int, count: Int) throws(FilterError)
        -> [UInt8]
    {
        let bytes: [UInt8]
        do {
            bytes = try file.bytes(at: offset, count: count, "message")
        } catch {
            throw FilterError(error, otherwise: .cannotRead)
        }
        guard bytes.count == count else { throw cutShort }
        return bytes
    }

    static var cutShort: FilterError {
        FilterError(.cannotRead, "the message is shorter than it was said to be")
    }
}

/// Calls with the storage of an array, unless it is empty.
func give(
    _ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(FilterError) -> Void
) throws(FilterError) {
    guard !bytes.isEmpty else { return }
    try bytes.withUnsafeBytes { buffer in
        Result { () throws(FilterError) in try body(buffer) }
    }.get()
}

extension Int {
    /// The sum of two numbers that are not negative; nil when it does not fit.
    func checkedSum(_ other: Int) -> Int? {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow || self < 0 || other < 0 ? nil : sum
    }
}
