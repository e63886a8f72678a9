// A world for deliver-remote: a name server and a root.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import Resolver
import TestSupport
import Testing
import UnixIO

@testable import Delivery

/// A world of one name server and servers on 127.0.0.x.
struct World {
    let folder: TestFolder
    let zone: Service
    var settings: RemoteSettings

    init(zone lines: String = "none.test. A 192.0.2.1", _ files: [String: String] = [:]) throws {
        folder = try TestFolder()
        zone = try Service.zone(lines, in: folder)
        let root = try makeRoot(folder, files)
        let endpoint = try #require(Endpoint(zone.ready))
        let resolver = Resolver(servers: [endpoint], timeout: .milliseconds(300), attempts: 1)
        settings = try RemoteSettings(root.control, resolver: resolver)
        settings.connectLimit = .seconds(10)
        settings.stepLimit = .seconds(30)
    }

    func deliver(
        _ recipients: [String] = ["b@y.test"], text: String = "Subject: x\n\nhi\n",
        from sender: String = "a@x.test", domain: String? = nil, _ edits: [Edit] = [],
        options: EnvelopeOptions = EnvelopeOptions()
    ) throws -> DeliveryReply {
        let stored = try StoredMessage(text)
        let place = domain ?? String(recipients[0].split(separator: "@")[1])
        var agent = RemoteAgent(settings)
        var request = try stored.request(recipients, from: sender, edits, domain: place)
        request.envelope.options = options
        return agent.deliver(request, stored.file.borrowed)
    }
}
