// SpooledMessage: a message as it comes from the MTA, as filters will read it.
// SPDX-License-Identifier: MIT

import FilterChain
import MailModel
import UnixIO

/// Puts the header together and stores the body with LF line ends, in memory while it is short.
///
/// The MTA has judged line ends already and keeps what it passes here: a CR that is no part of a
/// line end stays.
struct SpooledMessage: ~Copyable {
    private var pending: [UInt8] = []
    private var file: OwnedDescriptor?
    private var written = 0
    /// Bytes of the header, without the empty line.
    private(set) var headerLength = 0
    private var hasCR = false
    private var scan: HeaderScan
    private let limits: MilterLimits
    /// True once there is more than the limit, of which nothing is kept.
    private(set) var isTooBig = false
    /// What went wrong with the file.
    private(set) var trouble: SystemError?

    /// A message of which nothing has come, for the host of this name.
    init(_ name: [UInt8], _ limits: MilterLimits) {
        scan = HeaderScan(name: name)
        self.limits = limits
    }

    /// Bytes so far.
    var length: Int { written + pending.count }

    /// Where the body begins.
    var bodyStart: Int { min(headerLength + 1, length) }

    /// Edits that take away what only we may write.
    var removals: [Edit] { scan.removals }

    /// True when there are too many of such fields to be taken out.
    var isHostile: Bool { scan.isHostile }

    /// Takes a field. What would end the name, or the field, in the file and has not done so for the
    /// MTA is changed: in the name to `?`, and a line of the value gets a blank before it.
    mutating func takeField(_ name: [UInt8], _ value: [UInt8], hasLeadingSpace: Bool) {
        var field: [UInt8] = []
        field.reserveCapacity(name.count + value.count + 8)
        for byte in name {
            let isPlain = byte != 0x3A && byte != 0x0A && !(field.isEmpty && byte.isBlank)
            field.append(isPlain ? byte : 0x3F)
        }
        field.append(0x3A)
        if !hasLeadingSpace { field.append(0x20) }
        for byte in value {
            // An empty line would end the header.
            if field.last == 0x0A, byte == 0x0A { continue }
            if field.last == 0x0A, !byte.isBlank { field.append(0x09) }
            field.append(byte)
        }
        while field.last == 0x0A { field.removeLast() }
        field.append(0x0A)
        headerLength += field.count
        add(field)
        scan.take(field)
    }

    /// The end of the header.
    mutating func endHeader() {
        add([0x0A])
        scan.finish()
    }

    /// Takes a piece of the body.
    mutating func take(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard !isTooBig, trouble == nil else { return }
        pending.reserveCapacity(pending.count + bytes.count + 1)
        var rest = bytes[...]
        if hasCR, let first = rest.first, first != 0x0A { pending.append(0x0D) }
        hasCR = false
        while let place = rest.firstIndex(of: 0x0D) {
            pending += rest[..<place]
            rest = rest[(place + 1)...]
            guard let next = rest.first else {
                hasCR = true
                break
            }
            if next != 0x0A { pending.append(0x0D) }
        }
        pending += rest
        settle()
    }

    /// The end of the message.
    /// - Returns: the file that filters get, opened for reading only.
    /// - Throws: `SystemError`.
    mutating func finish() throws(SystemError) -> OwnedDescriptor {
        if hasCR { add([0x0D]) }
        hasCR = false
        if let trouble { throw trouble }
        if file.isNothing { file = try Files.inMemory("message") }
        try write()
        switch file {
        case .some(let file): return try file.reopenedForReading()
        case .none: throw SystemError("write", "message", .badFileDescriptor)
        }
    }

    private mutating func add(_ bytes: [UInt8]) {
        guard !isTooBig, trouble == nil else { return }
        pending += bytes
        settle()
    }

    private mutating func settle() {
        if limits.messageSize > 0, length > limits.messageSize {
            isTooBig = true
            pending = []
            file = nil
            return
        }
        guard pending.count > limits.memory else { return }
        do throws(SystemError) {
            if file.isNothing { file = try ViewFile.temporary(for: .max) }
            try write()
        } catch {
            trouble = error
            pending = []
            file = nil
        }
    }

    private mutating func write() throws(SystemError) {
        switch file {
        case .some(let file): try file.borrowed.writeAll(pending, "message")
        case .none: throw SystemError("write", "message", .badFileDescriptor)
        }
        written += pending.count
        pending.removeAll(keepingCapacity: true)
    }
}

extension Optional where Wrapped == OwnedDescriptor {
    /// `== nil` for what cannot be copied.
    fileprivate var isNothing: Bool {
        switch self {
        case .some: false
        case .none: true
        }
    }
}
