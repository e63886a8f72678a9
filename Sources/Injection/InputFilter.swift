// InputFilter: what programs write to sendmail, as the bytes of a message.
// sendmail(8), option -i.
// SPDX-License-Identifier: MIT

/// Takes a message in pieces of any size. CRLF becomes LF, a lone CR stays. Where `endsAtDot`, a
/// line that is a dot alone ends the message.
struct InputFilter {
    private enum Place {
        case lineStart
        case dot
        case inside
    }

    let endsAtDot: Bool
    private var place = Place.lineStart
    private var hasCR = false
    /// True once the message is at its end, whatever else comes.
    private(set) var hasEnded = false

    init(endsAtDot: Bool) { self.endsAtDot = endsAtDot }

    /// Takes a piece and appends what it amounts to.
    mutating func take(_ piece: some Collection<UInt8>, into output: inout [UInt8]) {
        for byte in piece {
            guard !hasEnded else { return }
            if hasCR, byte != 0x0A { put(0x0D, &output) }
            hasCR = byte == 0x0D
            if !hasCR { put(byte, &output) }
        }
    }

    /// At the end of what there is: a last line without its end gets one.
    mutating func finish(into output: inout [UInt8]) {
        guard !hasEnded else { return }
        if hasCR { put(0x0D, &output) }
        hasCR = false
        // A dot without its line end is one that ends the message too.
        if place == .inside { put(0x0A, &output) }
        hasEnded = true
    }

    private mutating func put(_ byte: UInt8, _ output: inout [UInt8]) {
        switch place {
        case .lineStart where endsAtDot && byte == 0x2E:
            place = .dot
            return
        case .dot where byte == 0x0A:
            hasEnded = true
            return
        case .dot: output.append(0x2E)
        case .lineStart, .inside: break
        }
        output.append(byte)
        place = byte == 0x0A ? .lineStart : .inside
    }
}
