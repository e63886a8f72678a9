// QmailSession: one message on its way from a qmail to a queue program.
// qmail.c: qmail_open, qmail_put, qmail_fail, qmail_from, qmail_to, qmail_close.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// A queue program that was started, and the pipes to it.
public final class QmailSession {
    /// The process id of what was started: `qp` in the logs of qmail.
    public var pid: pid_t { running.pid }

    private let client: QmailClient
    private let running: Running
    private let path: String
    private let message: PipeEnds
    private let envelope: PipeEnds
    private let reason: PipeEnds?
    private let log: OwnedDescriptor
    /// The pipes to and from the helpers of qmail-send.
    private let helpers: [PipeEnds]
    /// Who reads the report of a forward, as qmail-lspawn does, which is not our parent.
    private let report: RemotePipe?
    /// What is not written yet, as in the buffer of `struct qmail`.
    private var buffer: [UInt8] = []
    private var hasFailed = false

    /// Starts what QMAILQUEUE names, as `qmail_open` does in a program of this qmail. `others` are
    /// descriptors that were left open, as UCSPI-TLS does.
    public init(
        _ client: QmailClient, _ caller: QmailClient.Caller, queue: String, folder: String,
        environment: [String: String] = [:], others: [Int32: Int32] = [:]
    ) throws {
        signal(SIGPIPE, SIG_IGN)
        self.client = client
        let words = client.splitsWords ? queue.split(separator: " ").map(String.init) : [queue]
        path = words[0]
        var tool = try Tool(words[0], Array(words.dropFirst()))
        tool.environment = client.environment(caller).merging(environment) { $1 }
        tool.environment["QMAILQUEUE"] = queue
        tool.folder = folder
        message = try PipeEnds()
        envelope = try PipeEnds()
        log = try Files.inMemory("log")
        helpers = caller == .bounce ? try (2...6).map { _ in try PipeEnds() } : []
        report = caller == .forward ? try RemotePipe() : nil
        var descriptors = QmailSession.inherited(helpers, report?.writing ?? log.number)
        descriptors.merge(others) { $1 }
        descriptors[0] = message.reading.number
        descriptors[1] = envelope.reading.number
        reason = try client.reasonDescriptor.map { _ in try PipeEnds() }
        if let reason, let number = client.reasonDescriptor { descriptors[number] = reason.writing }
        var command = try tool.command
        command.descriptors = descriptors
        running = Running(try Child(command))
        message.closeReading()
        envelope.closeReading()
        reason?.closeWriting()
        report?.close()
    }

    /// The descriptors from 2 on: the log or the report; those of qmail-send from qmail-lspawn, to
    /// and from qmail-rspawn, to and from qmail-clean.
    private static func inherited(_ helpers: [PipeEnds], _ log: Int32) -> [Int32: Int32] {
        guard !helpers.isEmpty else { return [2: log] }
        let numbers = zip(Int32(2)..., helpers).map { number, pipe in
            (number, number % 2 == 0 ? pipe.reading.number : pipe.writing)
        }
        return Dictionary(uniqueKeysWithValues: numbers)
    }

    /// Gives bytes of the message.
    public func put(_ bytes: some Sequence<UInt8>) {
        buffer += bytes
        if buffer.count > 1024 { flush(message) }
    }

    /// What the client does when a message is over its limits, or it must give up: nothing more is
    /// written.
    public func fail() { hasFailed = true }

    /// Ends the message, and gives the reverse-path.
    public func from(_ sender: [UInt8]) {
        flush(message)
        message.closeWriting()
        buffer = [0x46] + sender + [0]
    }

    /// Gives a recipient.
    public func to(_ recipient: [UInt8]) { buffer += [0x54] + recipient + [0] }

    /// Ends the envelope and waits: first for the end of the reason, then for that of the process.
    /// - Returns: what the client would say: `D` or `Z` and a text, or nothing for a queued message.
    /// - Throws: `TestFailure` when somebody keeps the pipe open, or the program does not end.
    public func close(within limit: Duration = .seconds(20)) throws -> String {
        buffer.append(0)
        flush(envelope)
        return try end(within: limit)
    }

    /// The client dies: all its pipes are closed as they are.
    /// - Returns: how the queue program ended.
    public func die() throws -> Termination {
        message.closeWriting()
        envelope.closeWriting()
        return try running.wait(.seconds(20), path)
    }

    private func end(within limit: Duration) throws -> String {
        message.closeWriting()
        envelope.closeWriting()
        var text: [UInt8] = []
        if let reason {
            text = try QmailSession.text(of: reason.reading.borrowed, limit)
        }
        let termination = try running.wait(limit, path)
        return client.verdict(
            termination, Array(text.prefix(client.reasonLimit)), hasFailed: hasFailed)
    }

    private static func text(of pipe: Descriptor, _ limit: Duration) throws -> [UInt8] {
        var bytes: [UInt8] = []
        let deadline = Deadline.after(limit)
        while true {
            guard try pipe.wait(.toRead, until: deadline, "pipe") else {
                throw TestFailure("somebody keeps the pipe open")
            }
            var piece = [UInt8](repeating: 0, count: 1024)
            let got = try piece.withUnsafeMutableBytes { try pipe.readSome(into: $0, "pipe") }
            if got == 0 { return bytes }
            bytes += piece[..<got]
        }
    }

    /// What was written to descriptor 2: to the log, or as the report of a forward, which ends when
    /// nobody has it open any more.
    public func logged() throws -> String {
        if let report { return String(decoding: try report.contents(), as: UTF8.self) }
        let size = Int(try log.borrowed.status("log").st_size)
        return String(
            decoding: try log.borrowed.bytes(at: 0, count: size, "log"), as: UTF8.self)
    }

    /// What came to the helpers of qmail-send, who take every byte for an order.
    public func orders() throws -> [UInt8] {
        guard helpers.count == 5 else { return [] }
        return try [1, 3].flatMap { place in
            helpers[place].closeWriting()
            return try QmailSession.text(of: helpers[place].reading.borrowed, .seconds(10))
        }
    }

    /// Writes what is buffered. A queue program that ended has closed its end: a failure.
    private func flush(_ pipe: PipeEnds) {
        defer { buffer = [] }
        guard !hasFailed else { return }
        do {
            try Descriptor(rawValue: pipe.writing).writeAll(buffer, "pipe")
        } catch {
            hasFailed = true
        }
    }
}

extension QmailSession {
    /// One message in its envelope, from its first byte to the client's verdict on it.
    public func send(_ bytes: [UInt8], from sender: String, to recipients: [String]) throws
        -> String
    {
        put(bytes)
        from(Array(sender.utf8))
        for recipient in recipients { to(Array(recipient.utf8)) }
        return try close()
    }
}
