// ChunkFuzz: chunks, and clients that a proxy names, in a session.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPProtocol

extension FuzzedSession {
    /// Takes exactly the octets of a chunk; nil at the end of the script.
    mutating func receive(_ chunk: Chunk) -> SessionStep? {
        var left = chunk.size
        while left > 0 {
            if buffer.isEmpty, !fill() { return nil }
            buffer.take { bytes in
                let taken = min(bytes.count, left)
                left -= taken
                return taken
            }
        }
        guard chunk.isKept else {
            shadow.reset()
            return session.received(chunk: .more)
        }
        require(shadow.recipients > 0, "a chunk for nobody")
        if script.isChosen(in: 8) {
            hasMessage = true
            let reply = script.reply(permanent: !script.isChosen(in: 3))
            return session.received(chunk: .refused(reply))
        }
        guard chunk.isLast else { return session.received(chunk: .more) }
        hasMessage = true
        let edits = HeaderField("Received", "x").map { [Edit.prepend($0)] } ?? []
        if !session.isThrownAway { shadow.serverEdits = edits }
        return session.received(chunk: .whole(edits: edits))
    }

    /// Says whether another client may relay.
    mutating func identify(_ facts: Facts) -> SessionStep {
        require(shadow.settings.allowsXCLIENT && shadow.envelope == nil, "XCLIENT")
        require(facts[.helo] == nil && facts[.authUser] == nil, "what the proxy said stays")
        require(!facts.isLocal, "a client without an address")
        let relay: [UInt8]? = script.isChosen(in: 2) ? [] : nil
        let step = session.identified(relay: relay)
        shadow.reset()
        shadow.user = session.facts[.authUser]
        shadow.connectEdits = []
        shadow.heloEdits = []
        shadow.connectDiscards = false
        shadow.ownRelay = session.facts.mayRelay && shadow.user == nil
        require(!shadow.ownRelay || relay != nil, "a client may relay because its proxy may")
        return step
    }
}
