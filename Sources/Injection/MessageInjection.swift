// MessageInjection: one message from descriptor 0 to the queue.
// mail-inject(8).
// SPDX-License-Identifier: MIT

public import Control
import Glibc
import MailModel
import UnixIO

/// Reads a message, rewrites its header, and hands it over.
public struct MessageInjection {
    /// The longest header, in bytes.
    public static let headerLimit = 1 << 20
    private static let pieceSize = 65_536

    private let rewriter: HeaderRewriter
    private let root: Root

    /// An injection of a message.
    public init(_ rewriter: HeaderRewriter, _ root: Root) {
        self.rewriter = rewriter
        self.root = root
    }

    /// Does it. When this returns, the message is in the queue, or on descriptor 1 where that was
    /// asked for.
    /// - Throws: `InjectionError`; the message is then nowhere.
    public func run() throws(InjectionError) {
        var filter = InputFilter(endsAtDot: rewriter.request.endsAtDot)
        var bytes: [UInt8] = []
        let fields = try readHeader(&filter, &bytes)
        let header = try rewriter.rewrite(fields.fields)
        let start = header.bytes + [0x0A] + bytes[(fields.bodyStart ?? bytes.count)...]
        guard !rewriter.request.isPrinted else { return try print(header, start, &filter) }
        var program = try QueueProgram.start(root, header.envelope, rewriter.request)
        program.write(start)
        while let piece = try next(&filter) { program.write(piece) }
        try program.finish(header.envelope)
    }

    /// Reads until the header is whole, and what of the body came with it.
    private func readHeader(
        _ filter: inout InputFilter, _ bytes: inout [UInt8]
    ) throws(InjectionError) -> HeaderFields {
        // Each time it is read again there is twice as much of it.
        var wanted = MessageInjection.pieceSize
        while true {
            while bytes.count < wanted, let piece = try next(&filter) { bytes += piece }
            let fields = HeaderFields(bytes, isWhole: filter.hasEnded)
            guard (fields.bodyStart ?? bytes.count) <= MessageInjection.headerLimit else {
                throw .data("the header has more than \(MessageInjection.headerLimit) bytes")
            }
            if fields.bodyStart != nil { return fields }
            wanted *= 2
        }
    }

    /// More of the message; nil at its end.
    private func next(_ filter: inout InputFilter) throws(InjectionError) -> [UInt8]? {
        guard !filter.hasEnded else { return nil }
        var chunk = [UInt8](repeating: 0, count: MessageInjection.pieceSize)
        var output: [UInt8] = []
        do throws(SystemError) {
            let got = try chunk.withUnsafeMutableBytes { buffer in
                Result { () throws(SystemError) in
                    try Descriptor(rawValue: 0).readSome(into: buffer, "message")
                }
            }.get()
            filter.take(chunk[..<got], into: &output)
            if got == 0 { filter.finish(into: &output) }
        } catch {
            throw .temporary("\(error)")
        }
        return output
    }

    private func print(
        _ header: InjectedHeader, _ start: [UInt8], _ filter: inout InputFilter
    ) throws(InjectionError) {
        let path = header.envelope.reversePath.mailbox?.quoted ?? []
        var output = Array("Return-Path: <".utf8) + path + Array(">\n".utf8) + start
        while let piece = try next(&filter) { output += piece }
        do throws(SystemError) {
            try Descriptor(rawValue: 1).writeAll(output, "standard output")
        } catch {
            throw .temporary("\(error)")
        }
    }
}
