// MilterLibrary: the door to libmilter.
// https://www.postfix.org/MILTER_README.html; libmilter's docs/api.html
// SPDX-License-Identifier: MIT

import CMilter
import Glibc
import MailModel
import UnixIO

/// libmilter could not do what it must.
public struct MilterLibraryError: Error, CustomStringConvertible {
    /// The call that failed. What libmilter has to say of it is in syslog.
    public let call: String

    /// One line.
    public var description: String { "libmilter: \(call) failed" }
}

extension MilterServer {
    /// Serves the listening socket until SIGTERM or SIGINT. `ready` is called when it does.
    /// - Throws: `MilterLibraryError`.
    public func run(ready: () -> Void) throws(MilterLibraryError) {
        guard cmilter_count_reloads() == 0 else { throw MilterLibraryError(call: "sigaction") }
        cmilter_set_owner(Unmanaged.passUnretained(self).toOpaque())
        // libmilter writes the name of the connection into syslog, and keeps no pointer.
        var connection = Array("fd:\(listener.rawValue)".utf8CString)
        guard smfi_setconn(&connection) == MI_SUCCESS else {
            throw MilterLibraryError(call: "smfi_setconn")
        }
        guard smfi_register(MilterServer.callbacks()) == MI_SUCCESS else {
            throw MilterLibraryError(call: "smfi_register")
        }
        _ = smfi_settimeout(Int32(clamping: limits.silence.milliseconds / 1000))
        _ = smfi_setbacklog(1024)
        guard smfi_opensocket(0) == MI_SUCCESS else {
            throw MilterLibraryError(call: "smfi_opensocket")
        }
        ready()
        let result = smfi_main()
        let deadline = Deadline.after(limits.farewell)
        while sessions.count > 0, !deadline.hasPassed { _ = poll(nil, 0, 20) }
        guard result == MI_SUCCESS else { throw MilterLibraryError(call: "smfi_main") }
    }

    private static func callbacks() -> smfiDesc {
        var callbacks = smfiDesc()
        callbacks.xxfi_name = strdup("milter-chain")
        callbacks.xxfi_version = SMFI_VERSION
        callbacks.xxfi_flags = MilterTerms.wantedActions | UInt(SMFIF_SETSYMLIST)
        callbacks.xxfi_negotiate = MilterCallbacks.negotiate
        callbacks.xxfi_connect = MilterCallbacks.connect
        callbacks.xxfi_helo = MilterCallbacks.helo
        callbacks.xxfi_envfrom = MilterCallbacks.mail
        callbacks.xxfi_envrcpt = MilterCallbacks.recipient
        callbacks.xxfi_data = MilterCallbacks.data
        callbacks.xxfi_header = MilterCallbacks.field
        callbacks.xxfi_eoh = MilterCallbacks.endOfHeader
        callbacks.xxfi_body = MilterCallbacks.body
        callbacks.xxfi_eom = MilterCallbacks.endOfMessage
        callbacks.xxfi_abort = MilterCallbacks.abort
        callbacks.xxfi_close = MilterCallbacks.close
        return callbacks
    }
}

/// The MTA of a connection, by libmilter.
struct LibraryMTA: MilterMTA {
    let context: OpaquePointer

    func macro(_ name: String) -> [UInt8]? {
        var name = Array(name.utf8CString)
        return smfi_getsymval(context, &name).map { LibraryMTA.bytes($0) }
    }

    func make(_ change: MilterChange) throws(MilterRefusal) {
        let result: Int32
        switch change {
        case .removeField(let name, let occurrence):
            result = LibraryMTA.with(name) { name in
                smfi_chgheader(context, name, Int32(clamping: occurrence), nil)
            }
        case .insertField(let name, let value):
            result = field(name, value) { smfi_insheader(context, 0, $0, $1) }
        case .addField(let name, let value):
            result = field(name, value) { smfi_addheader(context, $0, $1) }
        case .reversePath(let path):
            result = LibraryMTA.with(path) { smfi_chgfrom(context, $0, nil) }
        case .addRecipient(let path): result = LibraryMTA.with(path) { smfi_addrcpt(context, $0) }
        case .removeRecipient(let path):
            result = LibraryMTA.with(path) { smfi_delrcpt(context, $0) }
        case .quarantine:
            result = LibraryMTA.with(Array("held by milter-chain".utf8)) {
                smfi_quarantine(context, $0)
            }
        }
        guard result == MI_SUCCESS else { throw MilterRefusal(what: "\(change)") }
    }

    func replaceBody(_ piece: [UInt8]) throws(MilterRefusal) {
        var piece = piece
        let count = Int32(clamping: piece.count)
        guard smfi_replacebody(context, &piece, count) == MI_SUCCESS else {
            throw MilterRefusal(what: "replace body")
        }
    }

    func goOn() { _ = smfi_progress(context) }

    /// Sets the reply of the answer that is given next. Where libmilter takes it without its status
    /// only, or not at all, the MTA has words of its own.
    func set(_ reply: Reply) {
        // A percent sign is the beginning of something in Sendmail, and two are one.
        let text = reply.text.utf8.flatMap { $0 == 0x25 ? [0x25, 0x25] : [$0] }
        LibraryMTA.with(Array("\(reply.code)".utf8)) { code in
            LibraryMTA.with(Array(reply.status.description.utf8)) { status in
                LibraryMTA.with(text) { text in
                    if smfi_setreply(context, code, status, text) != MI_SUCCESS {
                        _ = smfi_setreply(context, code, nil, text)
                    }
                }
            }
        }
    }

    private func field(
        _ name: [UInt8], _ value: [UInt8],
        _ body: (UnsafeMutablePointer<CChar>, UnsafeMutablePointer<CChar>) -> Int32
    ) -> Int32 {
        let isExact = MilterCallbacks.session(context)?.hasLeadingSpace == true
        let value = isExact || value.first != 0x20 ? value : Array(value.dropFirst())
        return LibraryMTA.with(name) { name in LibraryMTA.with(value) { body(name, $0) } }
    }

    /// A C string of bytes that hold no NUL.
    private static func with<Result>(
        _ bytes: [UInt8], _ body: (UnsafeMutablePointer<CChar>) -> Result
    ) -> Result {
        var string = bytes.map { CChar(bitPattern: $0) } + [0]
        return string.withUnsafeMutableBufferPointer { buffer in
            // It has one byte at least.
            body(buffer.baseAddress.unsafelyUnwrapped)
        }
    }

    static func bytes(_ string: UnsafePointer<CChar>) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: string, count: strlen(string)))
    }
}
