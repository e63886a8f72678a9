// DataEncoder: a stored message for the wire: LF becomes CRLF, leading dots are doubled for DATA.
// RFC 5321, sections 2.3.8 and 4.5.2; RFC 3030, section 2.
// SPDX-License-Identifier: MIT

/// Why a stored message cannot go by SMTP.
public enum DataEncoderError: Error, Equatable {
    /// It holds a CR. Sent on, some server would take it for a line end: status 5.6.0.
    case bareCR
}

/// Gives a stored message the form that follows DATA or BDAT, in pieces of any size.
public struct DataEncoder: Sendable {
    private var isLineStart = true
    /// False for BDAT, which counts bytes and so needs neither doubled dots nor a final one.
    private let hasFinalDot: Bool

    /// An encoder before the first byte of a message; for BDAT one without a final dot.
    public init(hasFinalDot: Bool = true) { self.hasFinalDot = hasFinalDot }

    /// Encodes bytes onto the end of `output`.
    /// - Throws: `DataEncoderError.bareCR`; nothing that was encoded may be followed by the end
    ///   then, so the connection must be closed.
    public mutating func encode(
        _ input: UnsafeRawBufferPointer, into output: inout [UInt8]
    ) throws(DataEncoderError) {
        var index = 0
        while index < input.count {
            if isLineStart, hasFinalDot, input[index] == 0x2E { output.append(0x2E) }
            let end = input.firstLineEnd(from: index) ?? input.count
            output.append(contentsOf: UnsafeRawBufferPointer(rebasing: input[index..<end]))
            isLineStart = end < input.count
            guard isLineStart else { return }
            guard input[end] == 0x0A else { throw .bareCR }
            output.append(0x0D)
            output.append(0x0A)
            index = end &+ 1
        }
    }

    /// Encodes a whole array.
    /// - Throws: `DataEncoderError.bareCR`.
    public mutating func encode(
        _ input: [UInt8], into output: inout [UInt8]
    ) throws(DataEncoderError) {
        var error: DataEncoderError?
        input.withUnsafeBytes { bytes in
            do throws(DataEncoderError) {
                try encode(bytes, into: &output)
            } catch let found {
                error = found
            }
        }
        if let error { throw error }
    }

    /// Ends the message: CRLF where its last line has none, then, for DATA, a dot and CRLF.
    public mutating func finish(into output: inout [UInt8]) {
        if !isLineStart { output += [0x0D, 0x0A] }
        if hasFinalDot { output += [0x2E, 0x0D, 0x0A] }
        isLineStart = true
    }
}
