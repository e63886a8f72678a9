// AuthOffer: the mechanisms that auth-check can serve, as far as is known.
// smtp-server(8), section Authentication.
// SPDX-License-Identifier: MIT

import AuthProtocol
import UnixIO
import Workers

/// Asks auth-check now and then, and keeps what it said last: while it is away AUTH is offered as
/// before, and answered 454. What is known when workers are forked they all know.
final class AuthOffer {
    /// How long a list is believed.
    private static let age = Duration.seconds(60)
    /// How long nobody is asked after nobody answered.
    private static let pause = Duration.seconds(5)
    /// How long a client's EHLO may wait for the list.
    private static let patience = Duration.milliseconds(500)

    private let client: AuthClient
    private var known: [AuthMechanism] = []
    private var isDue = Deadline.after(.zero)

    init(_ client: AuthClient) { self.client = client }

    /// What to offer; nothing while that was never known.
    var mechanisms: [AuthMechanism] {
        guard isDue.hasPassed else { return known }
        do throws(ExchangeError) {
            known = try client.mechanisms(deadline: .after(Self.patience))
            isDue = .after(Self.age)
        } catch {
            isDue = .after(Self.pause)
        }
        return known
    }

    /// Auth-check did not answer: what it can do may be another thing when it is back.
    func doubt() { isDue = min(isDue, .after(Self.pause)) }
}
