// Request+Replace: a message that takes the place of the one that was asked about.
// filter-protocol(7), section Edits.
// SPDX-License-Identifier: MIT

public import MailModel
import UnixIO

/// Other bytes for a part of a message. An empty range puts them before the byte at its bound.
public struct MessagePatch: Hashable, Sendable {
    /// What goes, as offsets into the message with the pending edits made.
    public let range: Range<Int>
    /// What comes.
    public let bytes: [UInt8]

    /// A patch of these parts.
    public init(_ range: Range<Int>, _ bytes: [UInt8]) {
        self.range = range
        self.bytes = bytes
    }
}

extension Request {
    /// Writes the message anew with these patches, which must stand in the order of their ranges
    /// and not overlap; one that does is left out. The rest passes byte for byte, also what is
    /// after a limit that the filter reads up to.
    /// - Returns: the edit that says so; it belongs first into the verdict, since header edits
    ///   before it are gone.
    /// - Throws: `FilterError` with exit 53 when the message cannot be written, 54 when it cannot
    ///   be read.
    public func replaceMessage(with patches: [MessagePatch]) throws(FilterError) -> Edit {
        let file = try message.temporaryFile()
        let target = file.borrowed
        var patching = Patching(patches)
        var length = 0
        let write = { (bytes: UnsafeRawBufferPointer) throws(FilterError) in
            length += bytes.count
            try system(otherwise: .cannotWrite) { () throws(SystemError) in
                try target.writeAll(bytes, "temporary file")
            }
        }
        try message.forEachChunk { chunk throws(FilterError) in
            try patching.pass(chunk, to: write)
        }
        try patching.finish(to: write)
        replacement.set(file, length: length)
        return .replaceMessage(offset: 0, length: length)
    }
}

/// The message that a filter wrote, for whom the verdict goes to.
final class Replacement {
    private(set) var length = 0
    private var file: OwnedDescriptor?

    func set(_ file: consuming OwnedDescriptor, length: Int) {
        self.file = consume file
        self.length = length
    }

    /// The file; nil when no message was written. It lives as long as this.
    var descriptor: Descriptor? { file?.borrowed }

    /// The file for a verdict with these edits; nil when they replace nothing.
    /// - Throws: `FilterError` with exit 81 for a replacement that was never written.
    func file(for edits: [Edit]) throws(FilterError) -> Descriptor? {
        guard let range = edits.replacement else { return nil }
        guard let descriptor, range.offset == 0, range.length == length else {
            throw FilterError(.internalBug, "a message was to be replaced by none")
        }
        return descriptor
    }
}

/// Patches laid over a message that flows by.
private struct Patching {
    typealias Output = (UnsafeRawBufferPointer) throws(FilterError) -> Void

    private var patches: ArraySlice<MessagePatch>
    /// Where in the message the next byte to come is.
    private var position = 0
    /// What is before this offset does not go out.
    private var resumes = 0

    init(_ patches: [MessagePatch]) { self.patches = patches[...] }

    mutating func pass(
        _ chunk: UnsafeRawBufferPointer, to output: Output
    ) throws(FilterError) {
        let start = position
        let end = start + chunk.count
        while let patch = patches.first, patch.range.lowerBound < end {
            patches.removeFirst()
            guard patch.range.lowerBound >= max(resumes, start) else { continue }
            try copy(chunk, start, upTo: patch.range.lowerBound, to: output)
            try give(patch.bytes, output)
            resumes = patch.range.upperBound
            position = max(position, min(resumes, end))
        }
        try copy(chunk, start, upTo: end, to: output)
        position = end
    }

    /// What is put after the last byte.
    mutating func finish(to output: Output) throws(FilterError) {
        for patch in patches where patch.range.lowerBound == position {
            try give(patch.bytes, output)
        }
    }

    private mutating func copy(
        _ chunk: UnsafeRawBufferPointer, _ start: Int, upTo end: Int, to output: Output
    ) throws(FilterError) {
        let from = max(position, resumes)
        if from < end {
            try output(UnsafeRawBufferPointer(rebasing: chunk[(from - start)..<(end - start)]))
        }
        position = max(position, end)
    }
}
