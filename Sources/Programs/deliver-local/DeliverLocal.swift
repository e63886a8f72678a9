// deliver-local: delivers messages to mailboxes of this host.
// deliver-local(8).
// SPDX-License-Identifier: MIT

import Control
import Delivery
import Glibc

@main
struct DeliverLocal {
    static func main() {
        let command = AgentCommand<LocalAgent>(
            "deliver the message on standard input to mailboxes of this host",
            [
                .flag("as-owner", "as root: become the owner of each mailbox, never root"),
                .flag("once", "answer one request on descriptor 0, for --as-owner"),
            ],
            serveOnce: OwnedDelivery.serveOnce
        ) { options, root in
            let becomesOwner = options.has("as-owner")
            guard !becomesOwner || geteuid() == 0 else {
                throw UsageError("--as-owner: only root can become another user")
            }
            return try LocalAgent(root, becomesOwner: becomesOwner)
        }
        command.run()
    }
}
