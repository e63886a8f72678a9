// PipeBridges: the chain in the pipes of other mail systems.
// filter-chain(8), section In a pipe.
// SPDX-License-Identifier: MIT

import TestSupport
import Testing
import UnixIO

/// A run of `filter-chain --pipe` and what its exit code says.
struct PipeCall {
    let chain: SetChain

    func run(_ letter: Letter, _ arguments: [String] = []) throws -> ToolResult {
        var tool = try Tool(
            "filter-chain",
            ["--root", chain.root, "--pipe", "--client-ip=127.0.0.1", "--helo=\(letter.helo)"]
                + ["--sender=\(letter.sender)"] + letter.recipients.map { "--recipient=\($0)" }
                + arguments)
        tool.message = letter.message
        tool.input = .pipe
        return try tool.run()
    }

    static func passage(_ code: Int32, _ errors: String, _ delivered: Delivered?) throws -> Passage
    {
        switch code {
        case 0: delivered.map { .passed($0) } ?? .discarded
        case 69, 77: .rejected(errors)
        case 75: .deferred(errors)
        case 99: .discarded
        default: throw TestFailure("exit \(code): \(errors)")
        }
    }
}

extension Letter {
    /// True when every line ends in CRLF, which steps see as LF.
    var usesCRLF: Bool {
        let ends = message.indices.filter { message[$0] == 0x0A }
        return !ends.isEmpty && ends.allSatisfy { $0 > 0 && message[$0 - 1] == 0x0D }
            && message.count { $0 == 0x0D } == ends.count
    }
}

/// `filter-chain --pipe < message > message`.
struct PipeBridge: Bridge {
    let name = "pipe"
    let chain: SetChain

    func pass(_ letter: Letter) throws -> Passage {
        let result = try PipeCall(chain: chain).run(letter)
        return try PipeCall.passage(
            result.code, result.errors, Delivered(message: result.output))
    }

    /// An empty message in a pipe is one that the filter before refused.
    func expected(_ letter: Letter) -> Passage {
        letter.traits.contains(.empty) ? .deferred("") : standard(letter)
    }
}

/// `filter-chain --pipe --sendmail PROGRAM < message`.
struct SendmailBridge: Bridge {
    let name = "sendmail"
    let chain: SetChain
    private let folder: TestFolder
    private let program: String

    init(chain: SetChain) throws {
        self.chain = chain
        folder = try TestFolder()
        let script = """
            #!/bin/sh
            for word; do printf '%s\\0' "$word"; done > \(folder.file("words"))
            cat > \(folder.file("message"))

            """
        program = try folder.write("sendmail", script, mode: 0o700)
    }

    func pass(_ letter: Letter) throws -> Passage {
        let files = ["words", "message"]
        for name in files where folder.names().contains(name) {
            try Files.unlink(folder.file(name))
        }
        let result = try PipeCall(chain: chain).run(letter, ["--sendmail", program])
        return try PipeCall.passage(
            result.code, result.errors,
            folder.names().contains("message") ? try delivered() : nil)
    }

    private func delivered() throws -> Delivered {
        let words = try folder.read("words").split(separator: 0, omittingEmptySubsequences: false)
            .dropLast().map { String(decoding: $0, as: UTF8.self) }
        guard words.count > 4, words[0] == "-i", words[1] == "-f", words[3] == "--" else {
            throw TestFailure("sendmail \(words)")
        }
        return Delivered(
            message: try folder.read("message"), sender: words[2] == "<>" ? "" : words[2],
            recipients: Array(words.dropFirst(4)))
    }

    func expected(_ letter: Letter) -> Passage {
        if letter.traits.contains(.empty) { return .deferred("") }
        guard case .passed(var delivered) = standard(letter) else { return standard(letter) }
        // A program that takes mail takes it with LF.
        if letter.usesCRLF { delivered.message.removeAll { $0 == 0x0D } }
        return .passed(delivered.withoutFromLine)
    }
}

/// `filter-chain --pipe --reinject HOST:PORT < message`.
struct ReinjectBridge: Bridge {
    let name = "reinject"
    let chain: SetChain
    let stub: SMTPStub

    func pass(_ letter: Letter) throws -> Passage {
        let before = stub.messages.count
        let result = try PipeCall(chain: chain).run(
            letter, ["--reinject", "127.0.0.1:\(stub.port)"])
        return try PipeCall.passage(
            result.code, result.errors,
            stub.messages.count > before ? stub.delivered : nil)
    }

    func expected(_ letter: Letter) -> Passage {
        if letter.traits.contains(.empty) { return .deferred("") }
        guard case .passed(var delivered) = standard(letter) else { return standard(letter) }
        if letter.usesCRLF {
            delivered.message.removeAll { $0 == 0x0D }
        } else if letter.traits.contains(.carriageReturn) {
            // SMTP cannot carry it.
            return .rejected("bare CR")
        }
        if let last = delivered.message.last, last != 0x0A { delivered.message.append(0x0A) }
        return .passed(delivered.withoutFromLine)
    }
}

extension Delivered {
    /// The same without a line `From ` before it, which is of a pipe and not of the message.
    fileprivate var withoutFromLine: Delivered {
        guard message.starts(with: "From ".utf8), let end = message.firstIndex(of: 0x0A) else {
            return self
        }
        var result = self
        result.message = Array(message[(end + 1)...])
        return result
    }
}

extension SMTPStub {
    /// The last message and its envelope.
    var delivered: Delivered {
        var commands = self.commands[...]
        if let last = commands.lastIndex(where: { $0.hasPrefix("MAIL") }) {
            commands = commands[last...]
        }
        func path(_ command: String) -> String {
            let path = command.drop { $0 != "<" }.dropFirst()
            return String(path.prefix { $0 != ">" })
        }
        var lines: [UInt8] = []
        var isStart = true
        var isAfterCR = false
        for byte in messages.last ?? [] {
            defer {
                isStart = byte == 0x0A
                isAfterCR = byte == 0x0D
            }
            if isStart, byte == 0x2E { continue }
            if byte == 0x0A, isAfterCR { lines.removeLast() }
            lines.append(byte)
        }
        return Delivered(
            message: lines, sender: commands.first.map(path) ?? "",
            recipients: commands.filter { $0.hasPrefix("RCPT") }.map(path))
    }
}

@Suite struct PipeBridgeTests {
    /// What goes by SMTP: bytes are counted by what a server takes.
    private static let offers = ["8BITMIME", "SMTPUTF8", "PIPELINING"]

    @Test func `in a pipe the set has its verdicts and its bytes`() throws {
        expectNothing(PipeBridge(chain: try SetChain.shared.get()).check())
    }

    @Test func `to sendmail's command line the set has its verdicts, bytes and envelopes`() throws {
        let letters = MessageSet.all.filter { !$0.traits.contains(.oddAddress) }
        expectNothing(try SendmailBridge(chain: try SetChain.shared.get()).check(letters))
    }

    @Test func `by SMTP the set has its verdicts, bytes and envelopes`() throws {
        let letters = MessageSet.all.filter { !$0.traits.contains(.oddAddress) }
        let bridge = ReinjectBridge(
            chain: try SetChain.shared.get(), stub: try SMTPStub(offers: Self.offers))
        expectNothing(bridge.check(letters))
    }
}
