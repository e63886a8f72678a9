// Pattern: a compiled regular expression of PCRE2.
// pcre2pattern(3), pcre2_compile(3).
// SPDX-License-Identifier: MIT

import CPCRE2

/// How a pattern is read, by the letters of Perl.
public struct PatternFlags: OptionSet, Sendable {
    /// The option bits of `pcre2_compile`.
    public let rawValue: UInt32

    /// Takes the option bits of `pcre2_compile`.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// `i`: letters match in both cases (of ASCII, but with `u`).
    public static let ignoresCase = PatternFlags(rawValue: PCRE2_CASELESS)
    /// `x`: blanks and comments in the pattern mean nothing.
    public static let extended = PatternFlags(rawValue: PCRE2_EXTENDED)
    /// `s`: a dot matches a line end too.
    public static let dotMatchesLineEnd = PatternFlags(rawValue: PCRE2_DOTALL)
    /// `m`: `^` and `$` match at every line.
    public static let multiLine = PatternFlags(rawValue: PCRE2_MULTILINE)
    /// `U`: quantifiers are lazy unless `?` follows.
    public static let lazy = PatternFlags(rawValue: PCRE2_UNGREEDY)
    /// Matches at the start of a subject only.
    public static let anchored = PatternFlags(rawValue: PCRE2_ANCHORED)
    /// `$` matches at the end of a subject only, not before a line end there.
    public static let dollarIsOnlyTheEnd = PatternFlags(rawValue: PCRE2_DOLLAR_ENDONLY)
    /// `u`: pattern and subject are UTF-8; bytes that are not match nothing.
    public static let utf8 = PatternFlags(rawValue: PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF)

    /// The flag of a letter; nil for a letter that is none.
    public init?(letter: UInt8) {
        switch letter {
        case 0x69: self = .ignoresCase
        case 0x78: self = .extended
        case 0x73: self = .dotMatchesLineEnd
        case 0x6D: self = .multiLine
        case 0x55: self = .lazy
        case 0x75: self = .utf8
        default: return nil
        }
    }
}

/// Why a pattern cannot be used or did not come to an answer.
public enum PatternError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The pattern is wrong, at this offset in bytes.
    case invalid(reason: String, offset: Int)
    /// A limit ran out: whether the pattern matches is not known.
    case limitExceeded(String)
    /// PCRE2 says something else went wrong.
    case failed(String)

    /// What is wrong, in PCRE2's words.
    public var description: String {
        switch self {
        case .invalid(let reason, let offset): "at offset \(offset): \(reason)"
        case .limitExceeded(let reason): reason
        case .failed(let reason): reason
        }
    }
}

/// A compiled pattern. It survives a fork and is not changed by matching.
public final class Pattern {
    let code: OpaquePointer
    let isUTF8: Bool
    /// How many capturing groups it has.
    public let groupCount: Int

    /// Compiles a pattern. `\C` is refused: it would match half of a character.
    ///
    /// Machine code (JIT) is worth its while for a pattern that is matched often. Where no memory
    /// may hold any, the pattern is interpreted.
    /// - Throws: `PatternError.invalid`.
    public init(
        _ pattern: [UInt8], _ flags: PatternFlags = [], compilesToMachineCode: Bool = false
    ) throws(PatternError) {
        var error: Int32 = 0
        var offset = 0
        // The offset limit is how a matcher looks at its deadline: see Matcher.
        let options = flags.rawValue | PCRE2_USE_OFFSET_LIMIT | PCRE2_NEVER_BACKSLASH_C
        // The NUL is not part of the pattern: it gives an empty one an address.
        let code = pcre2_compile_8(
            pattern + [0], pattern.count, options, &error, &offset, nil)
        guard let code else { throw .invalid(reason: Pattern.words(error), offset: offset) }
        self.code = code
        isUTF8 = flags.contains(.utf8)
        var groups: UInt32 = 0
        pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_CAPTURECOUNT), &groups)
        groupCount = Int(groups)
        if compilesToMachineCode { pcre2_jit_compile_8(code, PCRE2_JIT_COMPLETE) }
    }

    deinit { pcre2_code_free_8(code) }

    /// The number of a named group; nil when there is none of this name.
    public func group(named name: String) -> Int? {
        let number = pcre2_substring_number_from_name_8(code, Array(name.utf8) + [0])
        return number > 0 ? Int(number) : nil
    }

    /// PCRE2's words for an error.
    static func words(_ error: Int32) -> String {
        let bytes = [UInt8](unsafeUninitializedCapacity: 256) { buffer, count in
            let length = pcre2_get_error_message_8(error, buffer.baseAddress, buffer.count)
            count = max(0, Int(length))
        }
        return bytes.isEmpty ? "PCRE2 error \(error)" : String(decoding: bytes, as: UTF8.self)
    }
}
