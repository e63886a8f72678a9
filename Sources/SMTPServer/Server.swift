// Server: what every session of this process works with.
// smtp-server(8).
// SPDX-License-Identifier: MIT

import AuthProtocol
import FilterChain
import MailModel
import UnixIO

/// Configuration, chain and what all workers share. Made in the parent, used in the workers.
public struct Server {
    let configuration: ServerConfiguration
    let chain: Chain
    let delayed: SharedPlaces
    let log: Log
    let authClient: AuthClient
    let authOffer: AuthOffer

    /// Serves a connection that was accepted from a listener of this profile.
    func serve(_ connection: consuming OwnedDescriptor, _ profile: ListenerProfile) {
        let id = SessionID(microseconds: WallClock.microseconds, random: Random.bits)
        // Without a peer the client was gone before it was its turn.
        guard let client = InternetSocket.peerEndpoint(of: connection.borrowed) else { return }
        let local = InternetSocket.localEndpoint(of: connection.borrowed)
        let facts = configuration.facts(client: client, local: local, session: id)
        var driver = SessionDriver(
            self, PatientStream(socket: connection.borrowed), profile, facts: facts, id: id)
        driver.run()
    }
}
