// Sampler: makes what a server is shown of a message.
// spam-check(8), section LARGE MESSAGES.
// SPDX-License-Identifier: MIT

import FilterKit
import Glibc
import MailModel
import SpamScoring
import UnixIO

/// When the server is shown a Received field of ours.
enum TraceUse: String, CaseIterable {
    /// When the message has none of ours on top.
    case auto
    case always
    case never
}

/// A sample with its file.
struct OwnedSample: ~Copyable {
    private let file: OwnedDescriptor
    let sample: Sample

    init(_ file: consuming OwnedDescriptor, prefix: [UInt8]) throws(SystemError) {
        let length = Int(try file.borrowed.status("sample").st_size)
        sample = Sample(prefix: prefix, file: file.borrowed, fileLength: length)
        self.file = file
    }
}

/// Makes samples.
struct Sampler {
    /// Larger ones are files instead of memory.
    private static let memoryLimit = 1 << 20

    let limit: Int
    let trace: TraceUse
    /// Our name.
    let host: [UInt8]

    /// All of a message, or of a large one the beginning of each part.
    /// - Returns: nil when that is not possible within the limit.
    func sample(
        _ request: borrowing Request, isLarge: Bool
    ) throws(FilterError) -> OwnedSample? {
        var ranges: [Range<Int>]?
        if isLarge {
            ranges = try Sampler.parts(of: request.message, limit)
            guard ranges != nil else { return nil }
        }
        let prefix = try prefix(request)
        do {
            let file = try Sampler.newFile(for: min(request.message.baseLength, limit))
            if let ranges {
                var writer = RangeWriter(ranges, to: file.borrowed)
                try request.message.forEachChunk { chunk throws(FilterError) in
                    try writer.take(chunk)
                }
            } else {
                try request.message.write(to: file.borrowed, "sample")
            }
            return try OwnedSample(file, prefix: prefix)
        } catch let error as FilterError {
            throw error
        } catch let error as SystemError {
            throw FilterError(error, otherwise: .cannotWrite)
        } catch {
            throw FilterError(.internalBug, "\(error)")
        }
    }

    private static func parts(
        of message: MessageView, _ limit: Int
    ) throws(FilterError) -> [Range<Int>]? {
        var scan = PartScan()
        try message.forEachChunk { chunk throws(FilterError) in scan.take(chunk) }
        return scan.ranges(limit: limit)
    }

    private static func newFile(for length: Int) throws(SystemError) -> OwnedDescriptor {
        guard length > memoryLimit,
            let file = try? Files.nameless(in: Environment.text("TMPDIR") ?? "/tmp")
        else { return try Files.inMemory("sample") }
        return file
    }

    /// A Received field, where the message has none of ours on top.
    private func prefix(_ request: borrowing Request) throws(FilterError) -> [UInt8] {
        guard trace != .never else { return [] }
        if trace == .auto, try hasTrace(request) { return [] }
        let trace = ClientTrace(request.facts, host: host, seconds: WallClock.seconds)
        return trace.field ?? []
    }

    /// Ours names the id of the message, which no client knows. That of qmail-smtpd names the
    /// client's address, which a client knows too: whoever can say what protocol was spoken is not
    /// qmail-smtpd.
    private func hasTrace(_ request: borrowing Request) throws(FilterError) -> Bool {
        let header = try request.message.header(limit: 65_536)
        guard let field = header.fields.first(where: { $0.isNamed("Received") }) else {
            return false
        }
        let words = field.value.split(whereSeparator: \.isBlank)
        if let id = request.facts[.message], words.contains(where: { $0.elementsEqual(id) }) {
            return true
        }
        guard request.facts[.protocolName] == nil, let client = request.facts.clientIP else {
            return false
        }
        return QmailReceived(field.value)?.address == client
    }
}

/// Writes ranges of what comes by, each with a line end after it.
private struct RangeWriter {
    private var ranges: ArraySlice<Range<Int>>
    private let file: Descriptor
    private var position = 0
    private var last: UInt8 = 0x0A

    init(_ ranges: [Range<Int>], to file: Descriptor) {
        self.ranges = ranges.filter { !$0.isEmpty }[...]
        self.file = file
    }

    mutating func take(_ chunk: UnsafeRawBufferPointer) throws(FilterError) {
        let end = position + chunk.count
        while let range = ranges.first, range.lowerBound < end {
            let from = max(range.lowerBound, position) - position
            let to = min(range.upperBound, end) - position
            if to > from {
                try write(UnsafeRawBufferPointer(rebasing: chunk[from..<to]))
                last = chunk[to - 1]
            }
            guard range.upperBound <= end else { break }
            ranges.removeFirst()
            if last != 0x0A { try writeLineEnd() }
            last = 0x0A
        }
        position = end
    }

    private func writeLineEnd() throws(FilterError) {
        do throws(SystemError) {
            try file.writeAll([0x0A], "sample")
        } catch {
            throw FilterError(error, otherwise: .cannotWrite)
        }
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws(FilterError) {
        do throws(SystemError) {
            try file.writeAll(bytes, "sample")
        } catch {
            throw FilterError(error, otherwise: .cannotWrite)
        }
    }
}
