// Client: the library's own client side, for a conversation within one process.

import CGSASL
import Glibc
@testable import SASL
import Testing

/// Logs in as the library's client does.
final class Client {
    private var library: OpaquePointer?
    private var session: OpaquePointer?

    init(_ mechanism: String, _ properties: [(Gsasl_property, String)]) {
        #expect(gsasl_init(&library) == 0)
        #expect(gsasl_client_start(library, mechanism, &session) == 0)
        for (property, value) in properties {
            #expect(gsasl_property_set(session, property, value) == 0)
        }
    }

    deinit {
        gsasl_finish(session)
        gsasl_done(library)
    }

    /// What the client says to a challenge; nil when it does not like it.
    func step(_ challenge: [UInt8]) -> [UInt8]? {
        var output: UnsafeMutablePointer<CChar>?
        var length = 0
        let input = challenge.map { CChar(bitPattern: $0) }
        let code = gsasl_step(session, input, input.count, &output, &length)
        defer { gsasl_free(output) }
        guard code == 0 || code == 1 else { return nil }
        return output.map { [UInt8](UnsafeRawBufferPointer(start: $0, count: length)) } ?? []
    }
}
