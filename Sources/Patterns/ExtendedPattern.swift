// ExtendedPattern: a POSIX extended regular expression of the C library.
// regcomp(3), regex(7).
// SPDX-License-Identifier: MIT

// PCRE2 reads the same text otherwise: `[\.]`, `a||b` and `\d` are not what they are to regcomp, and
// its POSIX interface changes the calls, not the language.

import Glibc

/// A compiled expression that ignores case. It survives a fork and is not changed by matching.
public final class ExtendedPattern {
    private let compiled: UnsafeMutablePointer<regex_t>

    /// Compiles an expression, which must not hold NUL.
    /// - Throws: `PatternError.invalid`; the C library does not say where.
    public init(_ expression: [UInt8]) throws(PatternError) {
        guard !expression.contains(0) else {
            throw .invalid(reason: "a NUL byte", offset: 0)
        }
        // A local until it is whole: deinit frees what regcomp made and nothing else.
        let compiled = UnsafeMutablePointer<regex_t>.allocate(capacity: 1)
        compiled.initialize(to: regex_t())
        let text = (expression + [0]).map { CChar(bitPattern: $0) }
        let result = regcomp(compiled, text, REG_EXTENDED | REG_ICASE | REG_NOSUB)
        guard result == 0 else {
            let reason = ExtendedPattern.words(result, compiled)
            compiled.deallocate()
            throw .invalid(reason: reason, offset: 0)
        }
        self.compiled = compiled
    }

    deinit {
        regfree(compiled)
        compiled.deallocate()
    }

    /// True when the expression matches somewhere in the subject up to its first NUL.
    /// - Throws: `PatternError.limitExceeded` when that is not known for want of memory.
    public func matches(_ subject: [UInt8]) throws(PatternError) -> Bool {
        let text = (subject + [0]).map { CChar(bitPattern: $0) }
        let result = regexec(compiled, text, 0, nil, 0)
        guard result == 0 || result == _REG_NOMATCH.rawValue else {
            throw .limitExceeded(ExtendedPattern.words(result, compiled))
        }
        return result == 0
    }

    private static func words(_ error: Int32, _ compiled: UnsafePointer<regex_t>) -> String {
        let bytes = [CChar](unsafeUninitializedCapacity: 256) { buffer, count in
            count = min(regerror(error, compiled, buffer.baseAddress, buffer.count), buffer.count)
        }
        return String(
            decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
