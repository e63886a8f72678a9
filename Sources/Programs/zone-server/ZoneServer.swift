// zone-server: serves the names of a file by DNS, for tests and demonstrations.
// zone-server(8).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import Resolver
import UnixIO

@main
struct ZoneServer {
    static let usage = "usage: zone-server [--listen ADDRESS:PORT] [--ready-fd N] ZONEFILE\n"

    /// sysexits(3).
    enum Exit: Int32 {
        case usage = 64
        case badFile = 65
        case system = 71
    }

    var address = IPAddress(bytes: [127, 0, 0, 1])
    var port: UInt16 = 0
    var readyDescriptor: Int32 = 1
    var file: String?

    static func main() {
        var options = ZoneServer()
        options.read(CommandLine.arguments.dropFirst())
        options.serve()
    }

    mutating func read(_ arguments: ArraySlice<String>) {
        var rest = arguments
        while let word = rest.popFirst() {
            switch word {
            case "--help": ZoneServer.say(ZoneServer.usage)
            case "--version": ZoneServer.say("zone-server \(chainmailVersion)\n")
            case "--listen": listen(rest.popFirst())
            case "--ready-fd":
                guard let number = rest.popFirst().flatMap(Int32.init), number >= 0 else {
                    ZoneServer.fail(.usage, "--ready-fd wants a descriptor")
                }
                readyDescriptor = number
            case _ where word.hasPrefix("-") || file != nil:
                ZoneServer.fail(.usage, "unexpected \(word)\n\(ZoneServer.usage)")
            default: file = word
            }
        }
    }

    private mutating func listen(_ word: String?) {
        let parts = (word ?? "").utf8.split(separator: 0x3A, omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(parts[0]), address.isVersion4,
            let port = parts[1].decimalValue.flatMap(UInt16.init(exactly:))
        else { ZoneServer.fail(.usage, "--listen wants an IPv4 address and a port") }
        self.address = address
        self.port = port
    }

    private func serve() {
        guard let file, let address else {
            ZoneServer.fail(.usage, "a zone file is wanted\n\(ZoneServer.usage)")
        }
        do {
            let zone = try Zone(file: try Files.contents(of: file))
            let signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP])
            let sockets = try Sockets(address, port: port)
            let line = Array("\(address):\(sockets.port)\n".utf8)
            try Descriptor(rawValue: readyDescriptor).writeAll(line, "ready-fd")
            var service = Service(
                sockets: sockets, file: file, log: Log("zone-server"), zone: zone)
            try service.run(signals)
        } catch let error as ZoneFileError {
            ZoneServer.fail(.badFile, "\(file), \(error)")
        } catch {
            ZoneServer.fail(.system, "\(error)")
        }
    }

    private static func say(_ text: String) -> Never {
        let isWritten = (try? Descriptor(rawValue: 1).writeAll(Array(text.utf8), "stdout")) != nil
        exit(isWritten ? 0 : Exit.system.rawValue)
    }

    private static func fail(_ code: Exit, _ text: String) -> Never {
        try? Descriptor(rawValue: 2).writeAll(Array("zone-server: \(text)\n".utf8), "stderr")
        exit(code.rawValue)
    }
}
