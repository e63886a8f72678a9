// Service: a program that runs while a test asks it things.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// A running program that said that it is ready. It is killed when the value ends.
public final class Service: Sendable {
    /// The process.
    public let process: Running
    /// What it wrote to the ready descriptor, without the line end.
    public let ready: String
    /// The file that its descriptors 1 and 2 go to.
    public let logPath: String
    private let name: String

    /// Starts a tool with `--ready-fd` and waits for its line.
    /// - Throws: `TestFailure` with its log when it ends first or says nothing in time.
    public init(_ tool: Tool, log: String, limit: Duration = .seconds(60)) throws {
        let pipe = try PipeEnds()
        let file = try Files.open(log, O_WRONLY | O_CREAT | O_APPEND)
        let nothing = try Files.open("/dev/null", O_RDONLY)
        var tool = tool
        tool.arguments = ["--ready-fd", "9"] + tool.arguments
        var command = try tool.command
        command.descriptors.merge(
            [0: nothing.number, 1: file.number, 2: file.number, 9: pipe.writing]
        ) { own, _ in own }
        name = tool.path
        logPath = log
        process = Running(pid: try Spawner.shared.spawn(command))
        pipe.closeWriting()
        ready = try Service.line(of: pipe.reading.borrowed, name, log, .after(limit))
    }

    /// Ends it with a signal and waits.
    @discardableResult
    public func stop(
        _ signal: Int32 = SIGTERM, limit: Duration = .seconds(60)
    ) throws -> Termination {
        process.signal(signal)
        return try process.wait(limit, name)
    }

    /// What it logged so far.
    public var log: String { Service.text(of: logPath) }

    private static func line(
        of descriptor: Descriptor, _ name: String, _ log: String, _ deadline: Deadline
    ) throws -> String {
        var line: [UInt8] = []
        while line.last != 0x0A {
            guard try descriptor.wait(.toRead, until: deadline, name) else {
                throw TestFailure("\(name) was not ready in time; it logged:\n\(text(of: log))")
            }
            var byte: [UInt8] = [0]
            let got = try byte.withUnsafeMutableBytes { try descriptor.readSome(into: $0, name) }
            guard got == 1 else {
                throw TestFailure("\(name) ended before it was ready; it logged:\n\(text(of: log))")
            }
            line += byte
        }
        return String(decoding: line.dropLast(), as: UTF8.self)
    }

    private static func text(of path: String) -> String {
        String(decoding: (try? Files.contents(of: path)) ?? [], as: UTF8.self)
    }
}

extension Service {
    /// A zone-server with these lines; `ready` is its `ADDRESS:PORT`.
    public static func zone(_ lines: String, in folder: TestFolder) throws -> Service {
        let file = try folder.write("zone", lines)
        return try Service(Tool("zone-server", [file]), log: folder.file("zone-server.log"))
    }
}
