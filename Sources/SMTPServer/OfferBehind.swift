// OfferBehind: what the server behind offers, asked now and then.
// smtp-server(8), section A server behind.
// SPDX-License-Identifier: MIT

import Relaying
import SMTPClient
import SMTPProtocol
import UnixIO

/// What the server behind last said. One in each worker.
final class OfferBehind {
    /// How long an answer holds.
    private static let validity = Duration.seconds(60)
    /// How long one is waited for: the client waits too.
    private static let patience = Duration.seconds(10)

    private let server: ServerBehind
    private var known: ExtensionsBehind?
    private var asksAgain = Deadline.after(.zero)

    init(_ server: ServerBehind) { self.server = server }

    /// What it can do. Where it never said so that is nothing: MAIL will say that it is not there.
    var extensions: ExtensionsBehind {
        if asksAgain.hasPassed {
            // One that does not answer is not asked by each client anew.
            asksAgain = .after(.seconds(1))
            if let session = try? server.open(until: .after(Self.patience)) {
                note(session.extensions)
                session.quit()
            }
        }
        return known ?? ExtensionsBehind(ServerExtensions())
    }

    /// It has said so in a session.
    func note(_ extensions: ServerExtensions) {
        known = ExtensionsBehind(extensions)
        asksAgain = .after(Self.validity)
    }
}

extension ExtensionsBehind {
    fileprivate init(_ offered: ServerExtensions) {
        self.init(
            eightBitMIME: offered.eightBitMIME, smtputf8: offered.smtputf8, dsn: offered.dsn,
            messageSize: offered.maximumSize, recipients: offered.maximumRecipients)
    }
}
