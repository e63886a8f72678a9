// zone-server: serves the names of a file by DNS, for tests and demonstrations.
// zone-server(8).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

@main
struct ZoneServer {
    /// sysexits(3).
    enum Exit: Int32 {
        case usage = 64
        case badFile = 65
        case system = 71
    }

    static let usage = Usage(
        "zone-server", "Serves the names of a file by DNS.", operands: "ZONEFILE",
        [
            .value("listen", "ADDRESS:PORT", "an IPv4 address (127.0.0.1:0; 0 is any free port)"),
            .value("ready-fd", "N", "write ADDRESS:PORT to this descriptor when ready (1)"),
        ])

    static func main() {
        let options = usage.parseOrExit(misuse: Exit.usage.rawValue)
        do {
            try serve(options)
        } catch let error as UsageError {
            usage.fail("\(error)", Exit.usage.rawValue)
        } catch let error as ZoneFileError {
            usage.fail("\(options.operands[0]):\(error)", Exit.badFile.rawValue)
        } catch {
            usage.fail("\(error)", Exit.system.rawValue)
        }
    }

    private static func serve(_ options: Options) throws {
        guard options.operands.count == 1, let file = options.operands.first else {
            throw UsageError("one zone file is wanted")
        }
        let endpoint =
            try options.read("listen", "an IPv4 address and a port") { text in
                Endpoint(text).flatMap { $0.address.isVersion4 ? $0 : nil }
            } ?? Endpoint("127.0.0.1:0")
        guard let endpoint else { throw UsageError("no address to listen on") }
        let ready = Descriptor(rawValue: Int32(try options.integer("ready-fd") ?? 1))
        let zone = try Zone(file: try Files.contents(of: file))
        let signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP])
        let sockets = try Sockets(endpoint.address, port: endpoint.port)
        let line = "\(Endpoint(endpoint.address, port: sockets.port))\n"
        try ready.writeAll(Array(line.utf8), "ready-fd")
        var service = Service(sockets: sockets, file: file, log: Log("zone-server"), zone: zone)
        try service.run(signals)
    }
}
