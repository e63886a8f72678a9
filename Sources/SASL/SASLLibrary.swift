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

    /// True when the library's server side has this mechanism.
    public func serves(_ mechanism: String) -> Bool {
        gsasl_server_support_p(handle, mechanism) == 1
    }

    /// Text as RFC 4013 (SASLprep) makes it comparable; nil for what is not allowed in a login or
    /// password, such as bytes that are not UTF-8.
    public static func prepared(_ text: [UInt8]) -> [UInt8]? {
        guard !text.contains(0) else { return nil }
        var input = text.map { CChar(bitPattern: $0) } + [0]
        defer { Secret.wipe(&input) }
        var output: UnsafeMutablePointer<CChar>?
        guard gsasl_saslprep(&input, GSASL_ALLOW_UNASSIGNED, &output, nil) == GSASL_OK.rawValue,
            let output
        else { return nil }
        let length = strlen(output)
        defer {
            explicit_bzero(output, length)
            gsasl_free(output)
        }
        return [UInt8](UnsafeRawBufferPointer(start: output, count: length))
    }

    /// What SCRAM-SHA-256 keeps of a password; nil for a password that SASLprep does not allow.
    public static func scramKeys(
        password: [UInt8], salt: [UInt8], iterations: Int
    ) -> SCRAMKeys? {
        guard !password.contains(0), let count = UInt32(exactly: iterations), count > 0 else {
            return nil
        }
        let size = gsasl_hash_length(GSASL_HASH_SHA256)
        var secret = password.map { CChar(bitPattern: $0) } + [0]
        var salted = [CChar](repeating: 0, count: size)
        var clientKey = salted
        var serverKey = salted
        var storedKey = salted
        let signedSalt = salt.map { CChar(bitPattern: $0) }
        let code = gsasl_scram_secrets_from_password(
            GSASL_HASH_SHA256, &secret, count, signedSalt, salt.count, &salted, &clientKey,
            &serverKey, &storedKey)
        defer {
            Secret.wipe(&secret)
            Secret.wipe(&salted)
            Secret.wipe(&clientKey)
        }
        guard code == GSASL_OK.rawValue else { return nil }
        return SCRAMKeys(
            salt: salt, iterations: iterations, storedKey: storedKey.map { UInt8(bitPattern: $0) },
            serverKey: serverKey.map { UInt8(bitPattern: $0) })
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
