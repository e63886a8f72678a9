// Server: what every session of this process works with.
// smtp-server(8).
// SPDX-License-Identifier: MIT

import AuthProtocol
import FilterChain
import MailModel
import TLS
import UnixIO
import Workers

/// Configuration, chain and what all workers share. Made in the parent, used in the workers.
public struct Server {
    let configuration: ServerConfiguration
    let chain: Chain
    /// Keys and certificates; nil where there are none.
    let tls: ServerContext?
    let shared: ServerShared
    let log: Log
    let authClient: AuthClient
    let authOffer: AuthOffer
    /// Nil when names are not looked up.
    let names: ClientNames?
    let queueRoom: QueueRoom
    /// What the server behind offers; nil where messages are queued.
    let offerBehind: OfferBehind?

    /// Places of sessions that are made to wait.
    var delayed: SharedPlaces { shared.delayed }
}

/// What is made once and outlives every generation of workers.
struct ServerShared {
    /// What is spoken on each listener.
    let profiles: [ListenerProfile]
    /// Places of sessions that are made to wait.
    let delayed: SharedPlaces
    /// One for each worker that there may be, taken while it serves; nil where there is only this
    /// process.
    let serving: SharedPlaces?
    /// Who is connected.
    let gate: ClientGate
    /// Where connections wait that say nothing; nil for one session on descriptors 0 and 1.
    let room: WaitingRoom?
    /// Keys of session tickets, the same for all workers; nil where there is only this one.
    let tickets: TicketKeys?

    /// True where a listener cannot do without a certificate.
    var needsTLS: Bool { profiles.contains(where: \.usesImplicitTLS) }

    /// True when no worker is free for whoever comes next.
    var isBusy: Bool {
        guard let serving else { return false }
        guard let place = serving.take() else { return true }
        serving.leave(place)
        return false
    }
}
