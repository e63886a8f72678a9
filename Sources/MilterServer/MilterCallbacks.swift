// MilterCallbacks: what libmilter calls, in a thread for each connection.
// libmilter's docs/api.html
// SPDX-License-Identifier: MIT

import CMilter
import Glibc
import MailModel

/// The callbacks. Each finds its session at the connection and answers for it.
enum MilterCallbacks {
    private typealias Context = OpaquePointer

    /// What stays with a connection.
    private final class Attachment {
        let terms: MilterTerms
        let session: MilterSession
        let server: MilterServer
        let hasPlace: Bool

        init(_ server: MilterServer, actions: UInt, steps: UInt) {
            self.server = server
            hasPlace = server.sessions.take()
            terms = MilterTerms(
                server.chain, offeredActions: actions, offeredSteps: steps, isExcess: !hasPlace,
                isOverTCP: server.isOverTCP)
            session = MilterSession(server, terms, isExcess: !hasPlace)
        }

        deinit { if hasPlace { server.sessions.leave() } }
    }

    /// The session of a connection.
    static func session(_ context: OpaquePointer) -> MilterSession? { attachment(context)?.session }

    private static func attachment(_ context: OpaquePointer) -> Attachment? {
        smfi_getpriv(context).map { Unmanaged<Attachment>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Attaches what a connection of these terms needs.
    private static func attach(_ context: OpaquePointer, actions: UInt, steps: UInt) -> Attachment?
    {
        detach(context)
        guard let owner = cmilter_owner() else { return nil }
        let server = Unmanaged<MilterServer>.fromOpaque(owner).takeUnretainedValue()
        let attachment = Attachment(server, actions: actions, steps: steps)
        _ = smfi_setpriv(context, Unmanaged.passRetained(attachment).toOpaque())
        return attachment
    }

    private static func detach(_ context: OpaquePointer) {
        guard let pointer = smfi_getpriv(context) else { return }
        _ = smfi_setpriv(context, nil)
        Unmanaged<Attachment>.fromOpaque(pointer).release()
    }

    static let negotiate:
        @convention(c) (
            OpaquePointer?, UInt, UInt, UInt, UInt, UnsafeMutablePointer<UInt>?,
            UnsafeMutablePointer<UInt>?, UnsafeMutablePointer<UInt>?, UnsafeMutablePointer<UInt>?
        ) -> sfsistat = { context, actions, steps, _, _, chosenActions, chosenSteps, more, most in
            guard let context, let attachment = attach(context, actions: actions, steps: steps)
            else { return SMFIS_REJECT }
            let terms = attachment.terms
            if terms.actions & UInt(SMFIF_SETSYMLIST) != 0 {
                for (place, names) in MilterTerms.macros {
                    var names = Array(names.utf8CString)
                    _ = smfi_setsymlist(context, place, &names)
                }
            }
            chosenActions?.pointee = terms.actions
            chosenSteps?.pointee = terms.steps
            more?.pointee = 0
            most?.pointee = 0
            return SMFIS_CONTINUE
        }

    static let connect:
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<sockaddr>?
        ) -> sfsistat = { context, name, address in
            guard let context else { return SMFIS_TEMPFAIL }
            // An MTA may keep a connection for the next client: nothing is agreed on again.
            let kept = attachment(context) ?? attach(context, actions: 0, steps: 0)
            guard let kept else { return SMFIS_TEMPFAIL }
            let client = MilterClient(name: name.map { LibraryMTA.bytes($0) } ?? [], address)
            let answer = kept.session.connect(client, LibraryMTA(context: context))
            return reply(answer, context, isSilent: kept.terms.unanswered.contains(.connect))
        }

    static let helo: @convention(c) (OpaquePointer?, UnsafeMutablePointer<CChar>?) -> sfsistat = {
        context, name in
        answer(context, silentAt: .helo) { session, mta in
            session.helo(name.map { LibraryMTA.bytes($0) } ?? [], mta)
        }
    }

    static let mail:
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        ) -> sfsistat = { context, words in
            answer(context) { session, mta in session.mail(arguments(words), mta) }
        }

    static let recipient:
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        ) -> sfsistat = { context, words in
            answer(context) { session, mta in session.recipient(arguments(words), mta) }
        }

    static let data: @convention(c) (OpaquePointer?) -> sfsistat = { context in
        answer(context) { session, mta in session.data(mta) }
    }

    static let field:
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<CChar>?
        ) -> sfsistat = { context, name, value in
            take(context, SMFIP_NR_HDR) { session in
                session.field(
                    name.map { LibraryMTA.bytes($0) } ?? [],
                    value.map { LibraryMTA.bytes($0) } ?? [])
            }
        }

    static let endOfHeader: @convention(c) (OpaquePointer?) -> sfsistat = { context in
        take(context, SMFIP_NR_EOH) { $0.endOfHeader() }
    }

    static let body:
        @convention(c) (OpaquePointer?, UnsafeMutablePointer<UInt8>?, Int) -> sfsistat = {
            context, bytes, count in
            take(context, SMFIP_NR_BODY) { session in
                session.body(UnsafeBufferPointer(start: bytes, count: count))
            }
        }

    static let endOfMessage: @convention(c) (OpaquePointer?) -> sfsistat = { context in
        answer(context) { session, mta in session.endOfMessage(mta) }
    }

    static let abort: @convention(c) (OpaquePointer?) -> sfsistat = { context in
        context.flatMap { session($0) }?.abort()
        return SMFIS_CONTINUE
    }

    static let close: @convention(c) (OpaquePointer?) -> sfsistat = { context in
        if let context { detach(context) }
        return SMFIS_CONTINUE
    }

    // MARK: What they have in common

    /// Has a session answer.
    private static func answer(
        _ context: OpaquePointer?, silentAt stage: Stage? = nil,
        _ ask: (MilterSession, LibraryMTA) -> MilterAnswer
    ) -> sfsistat {
        guard let context, let attachment = attachment(context) else { return SMFIS_TEMPFAIL }
        let answer = ask(attachment.session, LibraryMTA(context: context))
        let isSilent = stage.map { attachment.terms.unanswered.contains($0) } ?? false
        return reply(answer, context, isSilent: isSilent)
    }

    private static func reply(
        _ answer: MilterAnswer, _ context: OpaquePointer, isSilent: Bool
    ) -> sfsistat {
        switch answer {
        case _ where isSilent: return SMFIS_NOREPLY
        case .goOn: return SMFIS_CONTINUE
        case .discard: return SMFIS_DISCARD
        case .refuse(let reply):
            LibraryMTA(context: context).set(reply)
            return reply.isPermanent ? SMFIS_REJECT : SMFIS_TEMPFAIL
        }
    }

    /// Gives a session a piece of a message.
    private static func take(
        _ context: OpaquePointer?, _ silence: Int, _ give: (MilterSession) -> Void
    ) -> sfsistat {
        guard let context, let attachment = attachment(context) else { return SMFIS_TEMPFAIL }
        give(attachment.session)
        return attachment.terms.isSilent(silence) ? SMFIS_NOREPLY : SMFIS_CONTINUE
    }

    private static func arguments(
        _ words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    ) -> [[UInt8]] {
        var arguments: [[UInt8]] = []
        var next = words
        while let word = next?.pointee {
            arguments.append(LibraryMTA.bytes(word))
            next = next?.advanced(by: 1)
        }
        return arguments
    }
}

extension MilterClient {
    /// The client at a socket's address; one without an address for none, and for a local one.
    init(name: [UInt8], _ address: UnsafeMutablePointer<sockaddr>?) {
        self.init()
        self.name = name
        guard let address else { return }
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
                self.address = withUnsafeBytes(of: pointer.pointee.sin_addr) { Array($0) }
                port = UInt16(bigEndian: pointer.pointee.sin_port)
            }
        case AF_INET6:
            address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
                self.address = withUnsafeBytes(of: pointer.pointee.sin6_addr) { Array($0) }
                port = UInt16(bigEndian: pointer.pointee.sin6_port)
            }
        default: break
        }
    }
}
