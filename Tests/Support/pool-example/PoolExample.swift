// pool-example: a pool for the tests of Workers: it answers with its process id, or misbehaves.
// usage: pool-example --ready-fd N SOCKET MIN MAX STATE-FILE
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO
import Workers

@main
struct PoolExample {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count == 7, let ready = Int32(arguments[2]), let least = Int(arguments[4]),
            let most = Int(arguments[5])
        else { exit(55) }
        do {
            let listener = try UnixSocket.listen(at: arguments[3])
            var options = PoolOptions(name: "pool-example", workers: least...most)
            options.readyDescriptor = ready
            options.readyText = arguments[3]
            options.requestsPerWorker = 50
            let state = arguments[6]
            try Pool(
                options, listeners: [listener.borrowed],
                load: { try Files.contents(of: state) },
                worker: { loaded in { descriptor, _ in serve(descriptor, loaded) } }
            ).run()
        } catch {
            Log("pool-example").event("failed", ["error": "\(error)"])
            exit(55)
        }
    }

    private static func serve(_ descriptor: consuming OwnedDescriptor, _ loaded: [UInt8]) {
        let connection = Connection(descriptor, "client")
        let deadline = Deadline.after(.seconds(60))
        guard let request = try? Exchange.receive(on: connection, deadline: deadline) else {
            return
        }
        var reply = Fields()
        switch request.fields.text("do") {
        case "crash": kill(getpid(), SIGSEGV)
        case "hold":
            // Busy until the client closes.
            var received = Received()
            _ = try? connection.receive(into: &received, limit: 1, deadline: deadline)
            return
        default: break
        }
        reply.append("pid", Int(getpid()))
        reply.append("loaded", loaded)
        try? Exchange.send(reply, on: connection, deadline: deadline)
    }
}
