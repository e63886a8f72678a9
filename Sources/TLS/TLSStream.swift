// TLSStream: a connection under TLS, where every wait has an end.
// SSL_read(3), SSL_write(3); RFC 8446, RFC 5246.
// SPDX-License-Identifier: MIT

import COpenSSL
import SystemPackage
import UnixIO

/// TLS over a `PatientStream`, which does all waiting: the clock and the wish that this process may
/// stop are looked at in one place. What is sent is kept until there is something to wait for or
/// until the caller's bytes are complete, so that it leaves with one call.
public final class TLSStream {
    let ssl: OpaquePointer
    /// Contexts must live as long as their connections, and a server's chooses the certificate.
    private let context: any TLSContext
    private let stream: PatientStream
    private var deadline = Deadline.never
    private var mayStop = false
    /// Why the transport gave up; a call of OpenSSL cannot carry it.
    private var failure: StreamError?
    private var output: [UInt8] = []
    /// True once a call failed for good: OpenSSL must not be called again then.
    private var isBroken = false
    private var isClosed = false

    /// Takes part in a handshake, as a server or client as the context has it. It is over by the
    /// deadline, however slowly it goes on.
    /// - Throws: `HandshakeError`. The other end has been told with an alert where that was
    ///   possible; the connection is of no use any more.
    public init(
        _ context: any TLSContext, over stream: PatientStream, until deadline: Deadline
    ) throws(HandshakeError) {
        self.context = context
        self.stream = stream
        let isServer: Bool
        do {
            let connecting = try context.connection()
            isServer = connecting.isServer
            ssl = connecting.take()
        } catch {
            throw .refused(error)
        }
        guard setTransport() else { throw .refused(.taken(or: "no memory")) }
        self.deadline = deadline
        mayStop = true
        try shakeHands(isServer)
    }

    deinit {
        // OpenSSL would never resume a session that ended without a farewell, as many do.
        SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
        SSL_free(ssl)
    }

    /// Reads what has come, and waits for it where nothing has; at least one byte.
    /// - Throws: `StreamError`, as `PatientStream`; what is no TLS is `.failed`. After `.timedOut`
    ///   and `.stopping` the stream can still be written to.
    public func read(
        into buffer: UnsafeMutableRawBufferPointer, until deadline: Deadline, mayStop: Bool
    ) throws(StreamError) -> Int {
        guard !isBroken else { throw .closed }
        self.deadline = deadline
        self.mayStop = mayStop
        while true {
            ERR_clear_error()
            failure = nil
            let got = SSL_read(ssl, buffer.baseAddress, Int32(clamping: buffer.count))
            if got > 0 { return Int(got) }
            let error = SSL_get_error(ssl, got)
            if error == SSL_ERROR_ZERO_RETURN { throw .closed }
            // Without a reason it was a message of TLS itself.
            if copenssl_is_retry(error) == 1, failure == nil { continue }
            throw reason(error)
        }
    }

    /// Writes all of the bytes. With `isLast` nothing will be written any more, and the other end
    /// is told so with them.
    /// - Throws: `StreamError`; the stream is of no use any more then.
    public func write(
        _ bytes: [UInt8], until deadline: Deadline, isLast: Bool = false
    ) throws(StreamError) {
        guard !isBroken, !isClosed else { throw .closed }
        self.deadline = deadline
        ERR_clear_error()
        failure = nil
        if !bytes.isEmpty {
            let put = SSL_write(ssl, bytes, Int32(clamping: bytes.count))
            guard put == bytes.count else {
                isBroken = true
                throw reason(SSL_get_error(ssl, put))
            }
        }
        if isLast { close() }
        do throws(StreamError) {
            try sendOutput()
        } catch {
            isBroken = true
            throw error
        }
    }

    /// What is needed to resume the session; nil when nothing was agreed.
    public var session: ClientContext.Session? {
        SSL_get1_session(ssl).map { ClientContext.Session($0) }
    }

    private func shakeHands(_ isServer: Bool) throws(HandshakeError) {
        while true {
            ERR_clear_error()
            failure = nil
            let result = isServer ? SSL_accept(ssl) : SSL_connect(ssl)
            if result == 1 { return }
            let error = SSL_get_error(ssl, result)
            if copenssl_is_retry(error) == 1, failure == nil { continue }
            if let failure { throw .stream(failure) }
            guard error == SSL_ERROR_SSL else { throw .stream(.closed) }
            let checked = SSL_get_verify_result(ssl)
            let reason = TLSError.taken()
            guard !isServer, checked != Int(X509_V_OK) else { throw .refused(reason) }
            throw .refused(
                TLSError("\(reason): \(String(cString: X509_verify_cert_error_string(checked)))"))
        }
    }

    /// Says that nothing more will come: RFC 8446, section 6.1.
    private func close() {
        isClosed = true
        // The answer is not waited for: SMTP has said by itself that it is over.
        _ = SSL_shutdown(ssl)
    }

    private func reason(_ error: Int32) -> StreamError {
        if copenssl_is_retry(error) != 1 { isBroken = true }
        if let failure { return failure }
        guard error == SSL_ERROR_SSL else { return .closed }
        return .failed(SystemError("TLS", "\(TLSError.taken())", .protocolError))
    }

    // MARK: The transport, called by OpenSSL

    private func setTransport() -> Bool {
        let owner = Unmanaged.passUnretained(self).toOpaque()
        return copenssl_set_transport(
            ssl, owner,
            { owner, buffer, size in TLSStream.of(owner)?.receive(buffer, size) ?? -1 },
            { owner, bytes, count in TLSStream.of(owner)?.keep(bytes, count) ?? -1 },
            { owner in TLSStream.of(owner)?.flush() ?? -1 }) == 1
    }

    private static func of(_ owner: UnsafeMutableRawPointer?) -> TLSStream? {
        owner.map { Unmanaged<TLSStream>.fromOpaque($0).takeUnretainedValue() }
    }

    private func receive(_ buffer: UnsafeMutablePointer<CChar>?, _ size: Int32) -> Int32 {
        let room = UnsafeMutableRawBufferPointer(start: buffer, count: Int(max(0, size)))
        do throws(StreamError) {
            try sendOutput()
            return Int32(clamping: try stream.read(into: room, until: deadline, mayStop: mayStop))
        } catch {
            return failed(error)
        }
    }

    private func keep(_ bytes: UnsafePointer<CChar>?, _ count: Int32) -> Int32 {
        output += UnsafeRawBufferPointer(start: bytes, count: Int(max(0, count)))
        // Whoever writes much at once needs no second copy of all of it.
        guard output.count > 65_536 else { return count }
        let result = flush()
        return result == 1 ? count : result
    }

    private func flush() -> Int32 {
        // A session ticket can wait for what comes next: most often a reply does, at once.
        if SSL_get_state(ssl) == TLS_ST_SW_SESSION_TICKET, SSL_version(ssl) == TLS1_3_VERSION {
            return 1
        }
        do throws(StreamError) {
            try sendOutput()
            return 1
        } catch {
            return failed(error)
        }
    }

    private func sendOutput() throws(StreamError) {
        guard !output.isEmpty else { return }
        defer { output.removeAll(keepingCapacity: output.capacity <= 32_768) }
        try stream.write(output, until: deadline)
    }

    private func failed(_ error: StreamError) -> Int32 {
        failure = error
        switch error {
        case .timedOut, .stopping: return COPENSSL_LATER
        case .closed: return COPENSSL_CLOSED
        case .failed: return COPENSSL_FAILED
        }
    }
}
