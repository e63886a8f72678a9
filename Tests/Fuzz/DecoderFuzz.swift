// DecoderFuzz: messages and frames from the wire, in pieces and whole, against a slow reading.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPProtocol

/// The target `decoder`: the first byte chooses the policy, the second seeds the pieces.
func fuzzDecoder(_ bytes: [UInt8]) {
    let policy: BareLineFeed = (bytes.first ?? 0) & 1 != 0 ? .mended : .refused
    let wire = Array(bytes.dropFirst(2))
    var cuts = Cuts(seed: bytes.dropFirst().first ?? 0)
    checkData(wire, policy, cuts.row(wire.count))
    checkChunks(wire, policy, cuts.row(wire.count), cuts.row(wire.count))
    checkLines(wire, cuts.row(wire.count))
    checkHeader(wire, cuts.row(wire.count))
    checkRecords(wire)
}

/// Lengths of pieces, always the same for a seed.
private struct Cuts {
    private var state: UInt64

    init(seed: UInt8) { state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    /// Lengths that come to `count`.
    mutating func row(_ count: Int) -> [Int] {
        var rest = count
        var row: [Int] = []
        while rest > 0 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            row.append(min(rest, Int(state >> 61) + 1))
            rest -= row.last ?? rest
        }
        return row
    }
}

/// What a message is by the words of RFC 5321, byte by byte.
private struct Reading {
    var text: [UInt8] = []
    var hasBareCR = false
    var hasBareLF = false

    init(_ wire: ArraySlice<UInt8>, stuffed: Bool) {
        let wire = Array(wire)
        var isLineStart = true
        var index = 0
        while index < wire.count {
            let byte = wire[index]
            index += 1
            if byte == 0x0D, index < wire.count, wire[index] == 0x0A {
                text.append(0x0A)
                index += 1
                isLineStart = true
                continue
            }
            if byte == 0x0D { hasBareCR = true }
            if byte == 0x0A { hasBareLF = true }
            if !(byte == 0x2E && isLineStart && stuffed) { text.append(byte) }
            isLineStart = false
        }
    }
}

private func checkData(_ wire: [UInt8], _ policy: BareLineFeed, _ cuts: [Int]) {
    var decoder = DataDecoder(bareLineFeed: policy)
    var output: [UInt8] = []
    var used = 0
    for length in cuts where !decoder.isComplete {
        let before = output.count
        let taken = decoder.decode(Array(wire[used..<(used + length)]), into: &output)
        require(output.count - before <= length, "more than came")
        require(taken == length || decoder.isComplete, "not all was taken")
        used += taken
    }
    let end = endOfData(wire)
    require(decoder.isComplete == (end != nil), "end")
    require(used == end ?? wire.count, "\(used) of \(wire.count)")
    var whole = DataDecoder(bareLineFeed: policy)
    var other: [UInt8] = []
    require(whole.decode(wire, into: &other) == used && other == output, "the pieces matter")
    require(whole.size == decoder.size && whole.longestLine == decoder.longestLine, "sizes")
    require(whole.isWellFormed == decoder.isWellFormed, "the pieces matter")
    guard let end else { return }
    // Without the dot and its CRLF.
    let reading = Reading(wire[..<(end - 3)], stuffed: true)
    require(reading.hasBareCR == decoder.hasBareCR, "bare CR")
    require(reading.hasBareLF == decoder.hasBareLF, "bare LF")
    require(reading.hasBareCR || reading.text == output, "text")
    if decoder.isWellFormed { checkEncoder(output) }
}

/// What was taken goes out with one end that the most careless host finds too.
private func checkEncoder(_ stored: [UInt8]) {
    var encoder = DataEncoder()
    var sent: [UInt8] = []
    do { try encoder.encode(stored, into: &sent) } catch { fatalError("a CR was stored") }
    encoder.finish(into: &sent)
    require(endOfData(sent) == sent.count, "another end")
    let lines = sent.split(
        omittingEmptySubsequences: false, whereSeparator: { $0 == 0x0D || $0 == 0x0A })
    require(lines.count { $0.elementsEqual([0x2E]) } == 1, "a dot alone")
    var decoder = DataDecoder()
    var output: [UInt8] = []
    _ = decoder.decode(sent, into: &output)
    require(decoder.isComplete && decoder.isWellFormed, "not taken again")
    require(output == stored + (stored.isEmpty || stored.last == 0x0A ? [] : [0x0A]), "changed")
}

private func checkChunks(_ wire: [UInt8], _ policy: BareLineFeed, _ chunks: [Int], _ cuts: [Int]) {
    var decoder = ChunkDecoder(bareLineFeed: policy)
    var output: [UInt8] = []
    var used = 0
    var lengths = cuts[...]
    for (index, size) in chunks.enumerated() {
        decoder.begin(size: size, isLast: index == chunks.count - 1)
        while !decoder.isChunkComplete {
            let length = min(lengths.popFirst() ?? 1, wire.count - used)
            used += decoder.decode(Array(wire[used..<(used + length)]), into: &output)
        }
    }
    if chunks.isEmpty { decoder.begin(size: 0, isLast: true) }
    require(decoder.isComplete && used == wire.count, "chunks")
    let reading = Reading(wire[...], stuffed: false)
    require(reading.hasBareCR == decoder.hasBareCR, "bare CR in chunks")
    require(reading.hasBareLF == decoder.hasBareLF, "bare LF in chunks")
    require(reading.hasBareCR || reading.text == output, "text of chunks")
}

private func checkLines(_ wire: [UInt8], _ cuts: [Int]) {
    var buffer = LineBuffer(capacity: 64, lineLimit: 20)
    var lines: [CommandLine] = []
    var used = 0
    for length in cuts {
        require(buffer.append(wire[used..<(used + length)]) == length, "no room")
        used += length
        while let line = buffer.nextLine() { lines.append(line) }
    }
    let parts = wire.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast()
    require(lines.count == parts.count, "lines")
    for (line, part) in zip(lines, parts) {
        switch line {
        case .line(let bytes): require(part.elementsEqual(bytes + [0x0D]), "line")
        case .tooLong: require(part.count > 21, "not too long")
        case .bareLF: require(part.last != 0x0D, "no bare LF")
        case .badChunk:
            require(part.prefix(5).equalsIgnoringASCIICase("BDAT ".utf8), "no chunk")
            require(part.last != 0x0D || part.count > 21, "nothing bad")
        }
    }
}

private func checkHeader(_ wire: [UInt8], _ cuts: [Int]) {
    let name = Array("mx.example.test".utf8)
    var (whole, pieces) = (HeaderScan(name: name), HeaderScan(name: name))
    whole.take(wire)
    whole.finish()
    let filter = HeaderFieldFilter(removing: [Array("date".utf8), Array("x-chainmail-a".utf8)])
    var (filters, outputs) = ((filter, filter), ([UInt8](), [UInt8]()))
    let all = wire.withUnsafeBytes { filters.0.take($0, into: &outputs.0) }
    filters.0.finish(into: &outputs.0)
    var used = 0
    var header = 0
    for length in cuts {
        let piece = Array(wire[used..<(used + length)])
        pieces.take(piece)
        header += piece.withUnsafeBytes { filters.1.take($0, into: &outputs.1) }
        used += length
    }
    pieces.finish()
    filters.1.finish(into: &outputs.1)
    require(whole.hops == pieces.hops && whole.removals == pieces.removals, "the pieces matter")
    require(whole.hasDate == pieces.hasDate && whole.hasMessageID == pieces.hasMessageID, "Date")
    require(all == header && outputs.0 == outputs.1, "the pieces matter to the filter")
}

private func checkRecords(_ wire: [UInt8]) {
    if let fields = try? Fields(frame: wire) {
        // Names that are no text are read as text.
        if let again = try? Fields(frame: fields.frame) {
            require(again == fields, "a frame")
        } else {
            fatalError("no frame any more")
        }
        if let envelope = try? fields.envelope() {
            var written = Fields()
            written.append(envelope)
            require((try? written.envelope()) == envelope, "an envelope in fields")
        }
        _ = try? FilterRequest(fields)
        _ = try? DeliveryRequest(fields)
    }
    if let envelope = try? Envelope(queueFormat: wire) {
        require(envelope.queueFormat == wire, "an envelope")
    }
    _ = QmailReceived(topmostOf: wire)
    if let address = IPAddress(wire) { require(IPAddress(address.description) == address, "IP") }
}
