// One session of the client with a server that a test tells what to do.
// SPDX-License-Identifier: MIT

import SMTPClient
import SMTPProtocol
import TestSupport
import Testing
import UnixIO

struct Pieces: MessageSource {
    var pieces: [[UInt8]]
    var failsAtEnd = false

    mutating func next() throws(SystemError) -> [UInt8]? {
        guard pieces.isEmpty else { return pieces.removeFirst() }
        if failsAtEnd { throw SystemError("pread", "message", .ioError) }
        return nil
    }
}

/// How a whole session went.
struct Outcome: Sendable {
    var opening: ClientError?
    var result: TransactionResult?

    var isDelivered: Bool { result?.replies.contains { $0?.isPositive == true } ?? false }
    var failure: ClientError? { opening ?? result?.failure }
}

let mail = OutgoingMail(
    reversePath: Array("<a@x.test>".utf8),
    forwardPaths: ["<b@y.test>", "<c@y.test>"].map { Array($0.utf8) }, size: 10)

func talk(
    to server: SMTPStub, _ mail: OutgoingMail = mail, _ text: [String] = ["Subject: x\n\nhi\n"],
    step: Duration = .seconds(30), failsAtEnd: Bool = false
) throws -> Outcome {
    let endpoint = try #require(InternetEndpoint(address: [127, 0, 0, 1], port: server.port))
    let socket = try InternetSocket.connect(
        to: endpoint, "stub", deadline: .after(.seconds(30)))
    var session = ClientSession(socket, limits: ClientLimits(step: step))
    do {
        try session.open(as: Array("client.test".utf8))
    } catch {
        return Outcome(opening: error)
    }
    let message = Pieces(pieces: text.map { Array($0.utf8) }, failsAtEnd: failsAtEnd)
    let result = session.send(mail, message)
    session.quit()
    return Outcome(result: result)
}

/// An open session for several things in a row.
func withSession(_ server: SMTPStub, _ body: (inout ClientSession) -> Void) throws {
    let endpoint = try #require(InternetEndpoint(address: [127, 0, 0, 1], port: server.port))
    let socket = try InternetSocket.connect(
        to: endpoint, "stub", deadline: .after(.seconds(30)))
    var session = ClientSession(socket, limits: ClientLimits(step: .seconds(30)))
    try session.open(as: Array("client.test".utf8))
    body(&session)
    session.quit()
}
