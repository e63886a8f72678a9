// Tool: an executable of this package, run once as it is run for real.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// What a test cannot go on without.
public struct TestFailure: Error, CustomStringConvertible {
    /// What is missing or went wrong.
    public let description: String

    /// A failure with this text.
    public init(_ description: String) { self.description = description }
}

/// How a tool ended and what it wrote.
public struct ToolResult: Sendable {
    /// How it ended.
    public let termination: Termination
    /// What it wrote to descriptor 1, unless that held an envelope.
    public let output: [UInt8]
    /// What it wrote to descriptor 2.
    public let errors: String

    /// The exit code; -1 when a signal killed it.
    public var code: Int32 {
        if case .exited(let code) = termination { code } else { -1 }
    }

    /// The output as text.
    public var text: String { String(decoding: output, as: UTF8.self) }
}

/// What to run. The environment is PATH and what is set here, nothing else.
public struct Tool {
    /// How descriptor 0, and descriptor 1 with an envelope, reach the tool.
    public enum Input: Sendable {
        /// A file.
        case file
        /// A pipe that is written while the tool runs, then closed.
        case pipe
    }

    /// The path of the executable.
    public var path: String
    /// The arguments after its name.
    public var arguments: [String]
    /// Variables besides PATH.
    public var environment: [String: String] = [:]
    /// Descriptor 0.
    public var message: [UInt8] = []
    /// To be read from descriptor 1, as qmail-queue does; nil when descriptor 1 is for output.
    public var envelope: [UInt8]?
    /// What descriptors 0 and 1 are.
    public var input = Input.file
    /// Other descriptors by number, and ours that they come from.
    public var descriptors: [Int32: Int32] = [:]
    /// Its working folder; ours when nil.
    public var folder: String?
    /// It is killed, and the test fails, when it runs longer.
    public var limit = Duration.seconds(60)

    /// An executable of this package by its name, or any by a path with a slash.
    public init(_ name: String, _ arguments: [String] = []) throws {
        path = name.contains("/") ? name : try Tool.path(name)
        self.arguments = arguments
    }

    /// The folder of the executables of this package: they are built beside the tests.
    public static func folder() throws -> String {
        guard let own = realpath("/proc/self/exe", nil) else {
            throw TestFailure("/proc/self/exe cannot be read")
        }
        defer { free(own) }
        let parts = String(cString: own).split(separator: "/").dropLast()
        return parts.reduce(into: "") { $0 += "/\($1)" }
    }

    /// The path of an executable of this package.
    public static func path(_ name: String) throws -> String {
        let path = "\(try folder())/\(name)"
        guard access(path, X_OK) == 0 else {
            throw TestFailure("\(path) is not there: was it built with the tests?")
        }
        return path
    }

    /// Runs it to its end.
    /// - Throws: `TestFailure` when it takes longer than its limit.
    public func run() throws -> ToolResult {
        let output = try Files.inMemory("output")
        let errors = try Files.inMemory("errors")
        var command = try self.command
        command.descriptors[1] = output.number
        command.descriptors[2] = errors.number
        let message = try Source(self.message, input)
        command.descriptors[0] = message.number
        let envelope = try self.envelope.map { try Source($0, input) }
        if let envelope { command.descriptors[1] = envelope.number }
        let running = Running(try Child(command))
        message.feed()
        envelope?.feed()
        let termination = try running.wait(limit, path)
        return ToolResult(
            termination: termination, output: try Tool.contents(of: output, "output"),
            errors: String(decoding: try Tool.contents(of: errors, "errors"), as: UTF8.self))
    }

    /// The command without descriptors 0 to 2.
    var command: Command {
        get throws {
            // Beside the tests are the other programs of this package.
            let path = "\(try Tool.folder()):/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
            var command = Command(
                self.path, arguments,
                environment: environment.merging(["PATH": path]) { own, _ in own }
                    .map { "\($0.key)=\($0.value)" })
            command.descriptors = descriptors
            command.folder = folder
            command.deathSignal = nil
            return command
        }
    }

    private static func contents(
        of file: borrowing OwnedDescriptor, _ name: String
    ) throws -> [UInt8] {
        let size = Int(try file.borrowed.status(name).st_size)
        return try file.borrowed.bytes(at: 0, count: size, name)
    }
}

/// A file or pipe to read from.
private final class Source {
    private enum Kind {
        case file(OwnedFile)
        case pipe(PipeEnds)
    }

    private let kind: Kind
    private let bytes: [UInt8]

    init(_ bytes: [UInt8], _ kind: Tool.Input) throws {
        self.bytes = bytes
        switch kind {
        case .file: self.kind = .file(try OwnedFile(bytes))
        case .pipe: self.kind = .pipe(try PipeEnds())
        }
    }

    var number: Int32 {
        switch kind {
        case .file(let file): file.descriptor.number
        case .pipe(let ends): ends.reading.number
        }
    }

    /// Writes in a thread of its own, so that a tool that reads slowly, or not at all, does not
    /// hold up its test.
    func feed() {
        guard case .pipe(let ends) = kind else { return }
        let bytes = bytes
        let writing = ends.takeWriting()
        detach {
            // A tool that ends early has closed its end: that is its business.
            try? Descriptor(rawValue: writing).writeAll(bytes, "input")
            close(writing)
        }
    }
}

private final class OwnedFile {
    let descriptor: OwnedDescriptor

    init(_ bytes: [UInt8]) throws {
        descriptor = try Files.inMemory("input")
        try descriptor.borrowed.writeAll(bytes, "input")
        try descriptor.borrowed.rewind("input")
    }
}
