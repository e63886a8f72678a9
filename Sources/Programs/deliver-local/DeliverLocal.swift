// deliver-local: delivers messages to mailboxes of this host.
// deliver-local(8).
// SPDX-License-Identifier: MIT

import Control
import Delivery

@main
struct DeliverLocal {
    static func main() {
        let command = AgentCommand<LocalAgent>(
            "deliver the message on standard input to mailboxes of this host", []
        ) { _, root in try LocalAgent(root) }
        command.run(concurrency: "concurrencylocal", standard: 20)
    }
}
