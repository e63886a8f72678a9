// SupervisorService: one program under supervision: its process, its ready line, its restarts.
// mail-server(8).
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

/// A program to start and to keep running.
public struct SupervisedProgram: Sendable {
    /// The name in logs and ready lines.
    public let name: String
    /// What to start. `--ready-fd` and its number are put before the arguments.
    public var command: Command
    /// How long it may take until it says that it is ready.
    public var readyLimit = Duration.seconds(120)
    /// What it gets for a SIGHUP of the supervisor: where SIGHUP itself is the end for it, another.
    public var reloadSignal = SIGHUP

    /// A program of this name.
    public init(_ name: String, _ command: Command) {
        self.name = name
        self.command = command
    }
}

/// The life of one program. It is starting until it says that it is ready, then running; when it
/// ends it waits for its next start.
final class SupervisorService {
    enum State {
        case waiting(until: Deadline)
        case starting(pid_t, until: Deadline)
        case running(pid_t, isYoungUntil: Deadline)
        case ended
    }

    /// A program that ends sooner than this after it was ready has died young.
    private static let youth = Duration.seconds(10)
    private static let longestDelay = 30_000

    let program: SupervisedProgram
    private(set) var state = State.waiting(until: .after(.zero))
    private(set) var readyText: String?
    private var ready: OwnedDescriptor?
    private var line: [UInt8] = []
    private var earlyDeaths = 0

    init(_ program: SupervisedProgram) { self.program = program }

    var name: String { program.name }

    var pid: pid_t? {
        switch state {
        case .starting(let pid, _), .running(let pid, _): pid
        case .waiting, .ended: nil
        }
    }

    var isRunning: Bool { if case .running = state { true } else { false } }

    /// The next moment at which something must be done unasked. As long as not all have been begun,
    /// one that was never ready waits for its group.
    func due(_ allMayStart: Bool) -> Deadline {
        switch state {
        case .waiting where !allMayStart && readyText == nil: .never
        case .waiting(let until), .starting(_, let until): until
        case .running, .ended: .never
        }
    }

    /// The descriptor that its ready line will come on.
    var awaited: Descriptor? {
        // A borrow of an optional that cannot be copied.
        switch ready {
        case .none: nil
        case .some(let descriptor): descriptor.borrowed
        }
    }

    /// Starts it.
    /// - Throws: `SystemError` when there is no such program or no process.
    func start() throws(SystemError) {
        let pipe = try OwnedPipe()
        let reading = try Files.open(
            "/proc/self/fd/\(pipe.reading.rawValue)", O_RDONLY | O_NONBLOCK)
        var command = program.command
        let number = command.freeDescriptor
        command.arguments = ["--ready-fd", "\(number)"] + command.arguments
        command.descriptors[number] = pipe.writing.rawValue
        // These are words with whoever started us.
        command.environment = (command.environment ?? Environment.all()).filter {
            !$0.hasPrefix("\(ServiceNotice.variable)=") && !PassedSocket.isVariable($0)
        }
        command.deathSignal = SIGTERM
        line = []
        ready = consume reading
        state = .starting(try Child(command).forget(), until: .after(program.readyLimit))
    }

    /// Takes what came of the ready line.
    /// - Returns: true when it is whole now.
    func listen() -> Bool {
        guard case .starting(let pid, _) = state, let awaited else { return false }
        var chunk = [UInt8](repeating: 0, count: 512)
        let got = read(awaited.rawValue, &chunk, chunk.count)
        if got > 0 { line += chunk[..<got] }
        if got == 0 || line.count > 4096 { ready = nil }
        guard let end = line.firstIndex(of: 0x0A) else { return false }
        // `READY`, a blank and, from some, a text such as an address.
        let text = line[..<end].drop { $0 != 0x20 }.dropFirst()
        readyText = String(decoding: text, as: UTF8.self)
        ready = nil
        state = .running(pid, isYoungUntil: .after(Self.youth))
        return true
    }

    /// Takes note of its end, or of a start that failed: once it is started again at once, and
    /// when it dies young again and again, after a delay that doubles each time.
    func ended() {
        if case .running(_, let youth) = state, youth.hasPassed { earlyDeaths = 0 }
        let delay = earlyDeaths == 0 ? 0 : min(Self.longestDelay, 50 << min(earlyDeaths, 12))
        earlyDeaths += 1
        ready = nil
        state = .waiting(until: .after(.milliseconds(delay)))
    }

    /// It shall not be started again.
    func retire() {
        ready = nil
        state = .ended
    }

    func signal(_ number: Int32) {
        guard let pid else { return }
        _ = kill(pid, number)
    }
}
