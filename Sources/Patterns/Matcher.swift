// Matcher: matching patterns within limits.
// pcre2_match(3), pcre2jit(3).
// SPDX-License-Identifier: MIT

import CPCRE2
public import UnixIO

/// What one match may cost.
public struct MatchLimits: Hashable, Sendable {
    /// How often PCRE2 may go back and try otherwise from one starting point.
    public var match: UInt32 = 1_000_000
    /// How much memory it may take for going back, in KiB.
    public var heap: UInt32 = 16_384

    /// The defaults.
    public init() {}
}

/// Where a pattern matched.
public struct Match: Hashable, Sendable {
    /// The whole match, then the groups, as offsets into the subject; nil for a group that took
    /// no part. Groups over the 99th are left out.
    public let ranges: [Range<Int>?]
}

/// What matching needs beside a pattern: limits, a stack, and room for the offsets. One serves
/// all patterns of a process.
public final class Matcher {
    /// The last group whose place is known; Postfix's tables know as many.
    public static let mostGroups = 99
    private static let pairs = UInt32(mostGroups + 1)
    /// Machine code may use so much stack; with less than it needs, PCRE2 interprets.
    private static let stackLimit = 512 << 10
    /// A subject of up to so many bytes is tried at once.
    private static let shortSubject = 4_096
    private static let firstStride = 64
    private static let longestStride = 65_536
    /// A stride that takes longer is followed by a shorter one.
    private static let longStride = Duration.milliseconds(2)

    private let context: OpaquePointer
    private let data: OpaquePointer
    private let stack: OpaquePointer?

    /// A matcher with these limits. For patterns that were compiled to machine code it needs a
    /// stack of its own, which a matcher for others does without.
    /// - Throws: `PatternError.failed` when there is no memory.
    public init(
        _ limits: MatchLimits = MatchLimits(), forMachineCode: Bool = true
    ) throws(PatternError) {
        guard let context = pcre2_match_context_create_8(nil) else {
            throw .failed("out of memory")
        }
        guard let data = pcre2_match_data_create_8(Matcher.pairs, nil) else {
            pcre2_match_context_free_8(context)
            throw .failed("out of memory")
        }
        pcre2_set_match_limit_8(context, limits.match)
        pcre2_set_heap_limit_8(context, limits.heap)
        // Where there is none, PCRE2 takes 32 KiB of the process's own stack.
        stack = forMachineCode ? pcre2_jit_stack_create_8(32 << 10, Matcher.stackLimit, nil) : nil
        if let stack {
            pcre2_jit_stack_assign_8(context, nil, UnsafeMutableRawPointer(stack))
        }
        self.context = context
        self.data = data
    }

    deinit {
        pcre2_match_data_free_8(data)
        pcre2_match_context_free_8(context)
        if let stack { pcre2_jit_stack_free_8(stack) }
    }

    /// Looks for the first match.
    ///
    /// The starting points are tried in strides, so that the deadline is seen even where no
    /// single try exceeds a limit but their number does.
    /// With `isCut` more follows the subject, so that its end proves nothing.
    /// - Returns: nil when it is certain that there is no match in what is there.
    /// - Throws: `PatternError.limitExceeded` when that is not known.
    public func match(
        _ pattern: Pattern, _ subject: UnsafeRawBufferPointer, isCut: Bool = false,
        deadline: Deadline = .never
    ) throws(PatternError) -> Match? {
        var start = 0
        let options = isCut ? PCRE2_PARTIAL_HARD : 0
        guard subject.count > Matcher.shortSubject else {
            pcre2_set_offset_limit_8(context, subject.count)
            return try once(pattern, subject, from: 0, options)
        }
        var stride = Matcher.firstStride
        while true {
            let soon = Deadline.after(Matcher.longStride)
            let next = pattern.isUTF8 ? subject.character(from: start + stride) : start + stride
            // The last stride tries the end of the subject too.
            let isLast = next >= subject.count
            pcre2_set_offset_limit_8(context, isLast ? subject.count : next - 1)
            if let match = try once(pattern, subject, from: start, options) { return match }
            if isLast { return nil }
            guard !deadline.hasPassed else { throw .limitExceeded("the time limit ran out") }
            start = next
            stride = soon.hasPassed ? max(stride / 2, 1) : min(stride * 2, Matcher.longestStride)
        }
    }

    /// Looks for the first match in an array.
    /// - Throws: as the other form.
    public func match(
        _ pattern: Pattern, _ subject: [UInt8], isCut: Bool = false, deadline: Deadline = .never
    ) throws(PatternError) -> Match? {
        try subject.withUnsafeBytes { bytes in
            Result { () throws(PatternError) in
                try match(pattern, bytes, isCut: isCut, deadline: deadline)
            }
        }.get()
    }

    private func once(
        _ pattern: Pattern, _ subject: UnsafeRawBufferPointer, from start: Int, _ options: UInt32
    ) throws(PatternError) -> Match? {
        var result = call(pattern, subject, start, options)
        // Too little stack for machine code is not a limit that an administrator set.
        if result == PCRE2_ERROR_JIT_STACKLIMIT {
            result = call(pattern, subject, start, options | PCRE2_NO_JIT)
        }
        switch result {
        case 0...: return Match(ranges: ranges(min(pattern.groupCount + 1, Int(Matcher.pairs))))
        case PCRE2_ERROR_NOMATCH: return nil
        case PCRE2_ERROR_PARTIAL: throw .limitExceeded("what follows was not read")
        case PCRE2_ERROR_MATCHLIMIT, PCRE2_ERROR_DEPTHLIMIT, PCRE2_ERROR_HEAPLIMIT,
            PCRE2_ERROR_NOMEMORY, PCRE2_ERROR_RECURSELOOP:
            throw .limitExceeded(Pattern.words(result))
        default: throw .failed(Pattern.words(result))
        }
    }

    private func call(
        _ pattern: Pattern, _ subject: UnsafeRawBufferPointer, _ start: Int, _ options: UInt32
    ) -> Int32 {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1) { nothing in
            let bytes = subject.assumingMemoryBound(to: UInt8.self).baseAddress
            return pcre2_match_8(
                pattern.code, bytes ?? UnsafePointer(nothing.baseAddress), subject.count, start,
                options, data, context)
        }
    }

    private func ranges(_ count: Int) -> [Range<Int>?] {
        guard let vector = pcre2_get_ovector_pointer_8(data) else { return [] }
        return (0..<count).map { group in
            let (from, to) = (vector[group * 2], vector[group * 2 + 1])
            // Unset is the greatest of all numbers; \K can put the start behind the end.
            return from <= to && to != Int(bitPattern: UInt.max) && to >= 0 && from >= 0
                ? from..<to : nil
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The first offset from this one on that is not inside of a UTF-8 character.
    fileprivate func character(from offset: Int) -> Int {
        var offset = offset
        while offset < count, self[offset] & 0xC0 == 0x80 { offset += 1 }
        return offset
    }
}
