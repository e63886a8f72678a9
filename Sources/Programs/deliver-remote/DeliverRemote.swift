// deliver-remote: delivers messages to other hosts by SMTP.
// deliver-remote(8).
// SPDX-License-Identifier: MIT

import Control
import Delivery
import Resolver
import TransportSecurity

@main
struct DeliverRemote {
    static func main() {
        let command = AgentCommand<RemoteAgent>(
            "deliver the message on standard input to other hosts",
            [
                .value("domain", "DOMAIN", "where to deliver; the domain of the recipient without"),
                .value("port", "PORT", "the port where smtproutes names none, instead of 25"),
                .values("resolver", "ADDRESS", "the DNS resolver to ask"),
                .value("sts-port", "PORT", "the port of hosts with MTA-STS policies, not 443"),
            ]
        ) { options, root in
            let resolver = try Resolver.configured(options, root.control)
            var settings = try RemoteSettings(root.control, resolver: resolver)
            let port = try options.integer("port", in: 1...65_535)
            settings.port = port.flatMap(UInt16.init(exactly:)) ?? settings.port
            let configuration = try TLSClientConfiguration(
                root, resolver, stsPort: try options.integer("sts-port", in: 1...65_535))
            settings.security = TransportSecurity(configuration, resolver)
            return RemoteAgent(settings)
        }
        command.run()
    }
}
