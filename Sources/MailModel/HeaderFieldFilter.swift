// HeaderFieldFilter: leaves removed fields out of a message that flows by.
// RFC 5322, sections 2.2 and 4.5.
// SPDX-License-Identifier: MIT

/// Copies a header without the fields of some names, whatever pieces the message comes in, and
/// finds where the header ends. Blanks before a colon (RFC 5322, section 4.5) hide no field.
///
/// The header ends at the first empty line (LF or CRLF) or at the end of the message.
public struct HeaderFieldFilter: Sendable {
    private enum State {
        case lineStart
        case name
        case keeping
        case dropping
    }

    private let removedNames: Set<[UInt8]>
    private let longestName: Int
    private var state = State.lineStart
    /// The beginning of a line of which it is not yet known whether it stays.
    private var pending: [UInt8] = []
    private var isDropping = false

    /// True when the empty line went by: what follows is body.
    public private(set) var isDone = false

    /// A filter for these names, ASCII case folded.
    public init(removing names: Set<[UInt8]>) {
        removedNames = names
        longestName = names.map(\.count).max() ?? 0
    }

    /// Takes a piece of the message and appends what stays of it to `output`, up to and with the
    /// empty line.
    /// - Returns: how many bytes of the piece were header; all of them until `isDone`.
    public mutating func take(_ piece: UnsafeRawBufferPointer, into output: inout [UInt8]) -> Int {
        var index = 0
        while index < piece.count, !isDone {
            switch state {
            case .keeping, .dropping: index = passLine(piece, from: index, &output)
            case .lineStart where piece[index].isBlank:
                state = isDropping ? .dropping : .keeping
            case .lineStart, .name:
                collect(piece[index], &output)
                index += 1
            }
        }
        return index
    }

    /// At the end of the message: gives out a last line that never came to a decision.
    public mutating func finish(into output: inout [UInt8]) {
        output += pending
        pending = []
    }

    /// What is left of a line whose fate is that of its field.
    /// - Returns: where the next line begins, or the end of the piece.
    private mutating func passLine(
        _ piece: UnsafeRawBufferPointer, from start: Int, _ output: inout [UInt8]
    ) -> Int {
        let end = piece[start...].firstIndex(of: 0x0A).map { $0 + 1 } ?? piece.count
        if !isDropping { output += piece[start..<end] }
        if piece[end - 1] == 0x0A { state = .lineStart }
        return end
    }

    /// A byte of a line that may begin a field to be removed.
    private mutating func collect(_ byte: UInt8, _ output: inout [UInt8]) {
        state = .name
        pending.append(byte)
        if byte == 0x0A {
            isDone = pending == [0x0A] || pending == [0x0D, 0x0A]
            decide(dropping: false, &output)
        } else if byte == 0x3A {
            let name = pending.dropLast().trimmed.asciiLowercased
            decide(dropping: removedNames.contains(name), &output)
        } else if pending.count > longestName, pending.count > 2, !mayStillMatch {
            decide(dropping: false, &output)
        }
    }

    /// Too long for a name unless all that is too much is blank; the bytes before this one were
    /// asked already. 64 KiB of blanks before a colon are nobody's field.
    private var mayStillMatch: Bool {
        pending.count < 65_536 && pending.last?.isBlank == true
    }

    private mutating func decide(dropping: Bool, _ output: inout [UInt8]) {
        isDropping = dropping
        let ended = pending.last == 0x0A
        if !dropping { output += pending }
        pending = []
        state = ended ? .lineStart : dropping ? .dropping : .keeping
    }
}
