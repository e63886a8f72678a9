// SASLClient: the library's own client side, for tests of servers.
// gsasl(3).
// SPDX-License-Identifier: MIT

public import CGSASL
import Glibc

/// Logs in as the library's client does.
public final class SASLClient {
    private var library: OpaquePointer?
    private var session: OpaquePointer?

    /// A client that knows these properties. One that cannot begin likes no challenge.
    public init(_ mechanism: String, _ properties: [(Gsasl_property, String)]) {
        guard gsasl_init(&library) == 0,
            gsasl_client_start(library, mechanism, &session) == 0
        else { return }
        for (property, value) in properties {
            _ = gsasl_property_set(session, property, value)
        }
    }

    deinit {
        if let session { gsasl_finish(session) }
        if let library { gsasl_done(library) }
    }

    /// What the client says to a challenge; nil when it does not like it.
    public func step(_ challenge: [UInt8]) -> [UInt8]? {
        guard let session else { return nil }
        var output: UnsafeMutablePointer<CChar>?
        var length = 0
        let input = challenge.map { CChar(bitPattern: $0) }
        let code = gsasl_step(session, input, input.count, &output, &length)
        defer { gsasl_free(output) }
        guard code == 0 || code == 1 else { return nil }
        return output.map { [UInt8](UnsafeRawBufferPointer(start: $0, count: length)) } ?? []
    }
}
