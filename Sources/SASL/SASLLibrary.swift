// SASLLibrary: GNU SASL, opened once a process.
// gsasl(3).
// SPDX-License-Identifier: MIT

import CGSASL
import Glibc

/// The library could not do its work; not known, so temporary.
public struct SASLError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The function and what the library said.
    public let description: String

    init(_ function: String, _ code: Int32) {
        let words = gsasl_strerror(code).map { String(cString: $0) } ?? "\(code)"
        description = "\(function): \(words)"
    }
}

/// The library's handle. It must outlive the conversations.
public final class SASLLibrary {
    let handle: OpaquePointer

    /// Opens the library.
    /// - Throws: `SASLError`.
    public init() throws(SASLError) {
        var handle: OpaquePointer?
        let code = gsasl_init(&handle)
        guard code == GSASL_OK.rawValue, let handle else { throw SASLError("gsasl_init", code) }
        self.handle = handle
        gsasl_callback_set(handle) { _, session, property in
            guard let hook = gsasl_session_hook_get(session) else {
                return Int32(GSASL_NO_CALLBACK.rawValue)
            }
            let conversation = Unmanaged<SASLConversation>.fromOpaque(hook).takeUnretainedValue()
            return Int32(conversation.answer(property).rawValue)
        }
    }

    deinit { gsasl_done(handle) }

    /// Text as RFC 4013 (SASLprep) makes it comparable; nil for what is not allowed in a login or
    /// password: bytes that are not UTF-8, control characters, and, as in all that is stored, what
    /// Unicode 3.2 had not assigned. RFC 3454, section 7.
    public static func prepared(_ text: [UInt8]) -> [UInt8]? {
        guard !text.contains(0) else { return nil }
        var input = text.map { CChar(bitPattern: $0) } + [0]
        defer { Secret.wipe(&input) }
        // Library 2.2 takes the flag for its opposite. Whichever way it is read, one of the two
        // refuses what is not assigned.
        guard prepared(&input, GSASL_ALLOW_UNASSIGNED) != nil else { return nil }
        return prepared(&input, Gsasl_saslprep_flags(0))
    }

    private static func prepared(
        _ input: inout [CChar], _ flags: Gsasl_saslprep_flags
    ) -> [UInt8]? {
        var output: UnsafeMutablePointer<CChar>?
        guard gsasl_saslprep(&input, flags, &output, nil) == GSASL_OK.rawValue, let output
        else { return nil }
        let length = strlen(output)
        defer {
            explicit_bzero(output, length)
            gsasl_free(output)
        }
        return [UInt8](UnsafeRawBufferPointer(start: output, count: length))
    }
}

/// What must not stay in memory longer than it is needed.
public enum Secret {
    /// Overwrites the elements, also where nobody reads them any more. Copies that were made of
    /// the array before are not reached.
    public static func wipe<Element: BitwiseCopyable>(_ array: inout [Element]) {
        array.withUnsafeMutableBytes { bytes in
            if let start = bytes.baseAddress { explicit_bzero(start, bytes.count) }
        }
        array = []
    }

    /// Overwrites the bytes in place, for everybody who shares them: for what was received and is
    /// used no more. Never for an array that is written in the source.
    public static func erase(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            explicit_bzero(UnsafeMutableRawPointer(mutating: start), bytes.count)
        }
    }
}
