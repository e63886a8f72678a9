// Spawner: one thread that starts what must end with the test process.
// prctl(2), PR_SET_PDEATHSIG.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import UnixIO

/// The signal for the death of a parent comes when the thread that forked ends. Threads of tests
/// come and go, this one stays.
final class Spawner: @unchecked Sendable {
    static let shared = Spawner()

    private let condition = NSCondition()
    private var jobs: [(Command, @Sendable (Result<pid_t, SystemError>) -> Void)] = []

    private init() {
        Thread.detachNewThread { [self] in
            while true { start() }
        }
    }

    /// Starts a program that gets SIGTERM when this process ends, by whatever cause.
    func spawn(_ command: Command) throws -> pid_t {
        var command = command
        command.deathSignal = SIGTERM
        let answer = Answer()
        condition.withLock {
            jobs.append((command, { answer.give($0) }))
            condition.signal()
        }
        return try answer.take().get()
    }

    private func start() {
        condition.lock()
        while jobs.isEmpty { condition.wait() }
        let (command, answer) = jobs.removeFirst()
        condition.unlock()
        answer(
            Result { () throws(SystemError) in
                let child = try Child(command)
                return child.forget()
            })
    }
}

/// One result, handed from a thread to another.
private final class Answer: @unchecked Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    private var result: Result<pid_t, SystemError>?

    func give(_ result: Result<pid_t, SystemError>) {
        self.result = result
        semaphore.signal()
    }

    func take() throws -> Result<pid_t, SystemError> {
        semaphore.wait()
        guard let result else { throw TestFailure("the spawner gave no answer") }
        return result
    }
}
