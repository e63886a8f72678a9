// mail-inject: takes a message from a program of this host and queues it; also known as sendmail.
// mail-inject(8).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import Injection
import MailModel
import UnixIO

@main
struct MailInject {
    static let usage = Usage(
        "mail-inject", "Queues the message on descriptor 0, with what its header lacks.",
        operands: "[-aAhHnN] [-f SENDER] [--] [recipient ...]", [.root])

    static func main() {
        Signals.ignoreBrokenPipes()
        let name = ProgramName()
        var arguments = Usage.processArguments
        let root = Root(takeLongOptions(&arguments, name))
        do throws(InjectionError) {
            let invocation =
                name.style == .sendmail
                ? try Invocation(sendmail: arguments, program: name.text)
                : try Invocation(qmail: arguments)
            try run(invocation, name, root)
        } catch {
            name.fail("\(error)", error.exit(name.style))
        }
    }

    /// Options of two hyphens, which neither of the two command lines has. They stand first.
    private static func takeLongOptions(
        _ arguments: inout [[UInt8]], _ name: ProgramName
    ) -> Options {
        var own: [[UInt8]] = []
        while let word = arguments.first, word.starts(with: [0x2D, 0x2D]), word.count > 2 {
            own.append(arguments.removeFirst())
            if word.elementsEqual("--root".utf8), !arguments.isEmpty {
                own.append(arguments.removeFirst())
            }
        }
        do throws(UsageError) {
            let options = try usage.parse(own)
            if options.has("help") || options.has("version") { _ = usage.parseOrExit() }
            return options
        } catch {
            name.fail("\(error)", 64)
        }
    }

    private static func run(
        _ invocation: Invocation, _ name: ProgramName, _ root: Root
    ) throws(InjectionError) {
        switch invocation {
        case .message(let request): try inject(request, name.style, root)
        case .session: try become("smtp-server", root.arguments, MailInject.localClient)
        case .list: try become("chainmail", ["queue", "list"] + root.arguments)
        case .flush: try become("chainmail", ["queue", "flush"] + root.arguments)
        case .aliases:
            guard try hasAliases(root.control) else { return }
            try become("chainmail", ["alias", "compile"] + root.arguments)
        }
    }

    /// True where there is something to compile: aliases(5).
    private static func hasAliases(_ control: ControlFolder) throws(InjectionError) -> Bool {
        do {
            if let line = try control.line("aliasfile"), !line.isEmpty { return true }
            return try Files.status(control.file("aliases")) != nil
        } catch {
            throw .configuration("\(error)")
        }
    }

    private static func inject(
        _ request: InjectionRequest, _ style: InjectionStyle, _ root: Root
    ) throws(InjectionError) {
        let names: DefaultNames
        do {
            names = try DefaultNames(root.control)
        } catch {
            throw .configuration("\(error)")
        }
        let moment = WallClock.microseconds
        let id = SessionID(microseconds: moment, random: Random.bits).message(1)
        let rewriter = HeaderRewriter(
            style, request, Injector(), names, now: Int(clamping: moment / 1_000_000),
            id: id.description)
        try MessageInjection(rewriter, root).run()
    }

    /// What tells smtp-server that its client is this host's user, who may relay; nothing where
    /// inetd or tcpserver started us for a client of theirs.
    private static var localClient: [String] {
        var domain: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        let isSocket = getsockopt(0, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0
        guard Environment.bytes("TCPREMOTEIP") == nil, !isSocket || domain == AF_UNIX else {
            return []
        }
        return ["PROTO=TCP", "TCPREMOTEIP=127.0.0.1", "TCPREMOTEHOST=localhost", "RELAYCLIENT="]
    }

    /// Another program does it, on our descriptors.
    private static func become(
        _ program: String, _ arguments: [String], _ variables: [String] = []
    ) throws(InjectionError) -> Never {
        guard let path = Programs.find(program) else {
            throw .configuration("\(program): no such program beside this one or in PATH")
        }
        signal(SIGPIPE, SIG_DFL)
        do throws(SystemError) {
            let names = Set(variables.map { String($0.prefix { $0 != "=" }) })
            try exec(path, arguments, environment: Environment.all(without: names) + variables)
        } catch {
            throw .configuration("\(error)")
        }
    }
}

/// The name that this program was called by.
private struct ProgramName {
    let text: String

    init() {
        let path = CommandLine.unsafeArgv[0].map { String(cString: $0) } ?? ""
        text = path.split(separator: "/").last.map(String.init) ?? "mail-inject"
    }

    var style: InjectionStyle {
        ["sendmail", "mailq", "newaliases"].contains(text) ? .sendmail : .qmail
    }

    func fail(_ text: String, _ code: Int32) -> Never {
        let line = "\(self.text): fatal: \(text)\n"
        // There is nowhere to say that this cannot be written.
        try? Descriptor(rawValue: 2).writeAll(Array(line.utf8), "standard error")
        exit(code)
    }
}
