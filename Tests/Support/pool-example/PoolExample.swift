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
            options.checkInterval = .milliseconds(20)
            let state = arguments[6]
            try Pool(
                options, listeners: [listener.borrowed], load: { try Example(state) },
                isStale: { loaded in
                    (try? Files.contents(of: "\(state).wanted")).map { $0 != loaded.word } ?? false
                },
                worker: { loaded in
                    if loaded.word.starts(with: "useless".utf8) { throw UselessError() }
                    return { descriptor, _, _ in serve(descriptor, loaded.word) }
                }
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
        reply.append("parent", Int(getppid()))
        reply.append("loaded", loaded)
        try? Exchange.send(reply, on: connection, deadline: deadline)
    }
}

private struct UselessError: Error {}

/// What the state file says, and ballast where it says so.
private struct Example {
    let word: [UInt8]
    private let ballast: [UInt8]

    init(_ state: String) throws {
        word = try Files.contents(of: state)
        // A FIFO beside it is loaded slowly: until somebody has written to it.
        if try Files.status("\(state).fifo") != nil {
            _ = try Files.contents(of: "\(state).fifo")
        }
        let isHeavy = word.starts(with: "heavy".utf8)
        ballast = [UInt8](repeating: 1, count: isHeavy ? 150 << 20 : 0)
    }
}
