// QueueCaller: runs a program in qmail-queue's place as the qmail clients do, with the pipe that
// some of them read a reason from.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// A client of a queue program.
public struct QueueCaller {
    /// The descriptor of the program that is the pipe; nil: there is none.
    public var reasonDescriptor: Int32?

    /// What a client learns.
    public struct Outcome {
        /// The exit code.
        public var code: Int32
        /// What came through the pipe until its end.
        public var reason: String
        /// What was written to descriptor 2, where that is not the pipe.
        public var errors: String
    }

    /// A client whose pipe is this descriptor of the program.
    public init(_ reasonDescriptor: Int32?) { self.reasonDescriptor = reasonDescriptor }

    /// Runs a tool with its message and envelope in files.
    /// - Throws: `TestFailure` also when something that the program started keeps the pipe open.
    public func run(_ tool: Tool) throws -> Outcome {
        let message = try file(tool.message)
        let envelope = try file(tool.envelope ?? [])
        let errors = try Files.inMemory("errors")
        var command = try tool.command
        command.descriptors.merge(
            [0: message.number, 1: envelope.number, 2: errors.number]
        ) { own, _ in own }
        let pipe = try PipeEnds()
        if let reasonDescriptor { command.descriptors[reasonDescriptor] = pipe.writing }
        let end = try Running(try Child(command)).wait(tool.limit, tool.path)
        pipe.closeWriting()
        guard case .exited(let code) = end else { throw TestFailure("\(tool.path): \(end)") }
        return Outcome(
            code: code, reason: try text(of: pipe.reading.borrowed), errors: try contents(errors))
    }

    private func text(of pipe: Descriptor) throws -> String {
        var bytes: [UInt8] = []
        while true {
            guard try pipe.wait(.toRead, until: .after(.seconds(10)), "reason") else {
                throw TestFailure("the pipe for the reason is not closed")
            }
            var piece = [UInt8](repeating: 0, count: 1024)
            let got = try piece.withUnsafeMutableBytes { try pipe.readSome(into: $0, "reason") }
            if got == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += piece[..<got]
        }
    }

    private func file(_ bytes: [UInt8]) throws -> OwnedDescriptor {
        let file = try Files.inMemory("input")
        try file.borrowed.writeAll(bytes, "input")
        try file.borrowed.rewind("input")
        return file
    }

    private func contents(_ file: borrowing OwnedDescriptor) throws -> String {
        let size = Int(try file.borrowed.status("errors").st_size)
        let bytes = try file.borrowed.bytes(at: 0, count: size, "errors")
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A client of contract, its pipe, and what it makes of the exit codes of a refusal.
public struct ReasonClient: Sendable, CustomStringConvertible {
    /// Which client.
    public let description: String
    /// The pipe; nil: none.
    public let descriptor: Int32?
    /// What `ERROR_FD` says; nil: nothing.
    public let variable: String?
    /// The exit code with a reason; nil: it takes none.
    public let code: Int32?

    /// Every kind of client that there is.
    public static let all = [
        ReasonClient(
            description: "notqmail from 1.09", descriptor: 6, variable: nil, code: 82),
        ReasonClient(
            description: "a qmail with the custom error patch", descriptor: 4, variable: nil,
            code: 82),
        ReasonClient(
            description: "a qmail that says which descriptor it is", descriptor: 4, variable: "4",
            code: 88),
        ReasonClient(description: "indimail", descriptor: 2, variable: nil, code: 88),
        ReasonClient(description: "indimail, explicit", descriptor: 2, variable: "2", code: 88),
        ReasonClient(
            description: "indimail with a descriptor of its own", descriptor: 9, variable: "9",
            code: 88),
        ReasonClient(
            description: "indimail without reasons", descriptor: 6, variable: "-1", code: nil),
        ReasonClient(
            description: "one whose variable names nothing", descriptor: 6, variable: "x",
            code: nil),
        ReasonClient(description: "plain netqmail", descriptor: nil, variable: nil, code: nil),
    ]
}
