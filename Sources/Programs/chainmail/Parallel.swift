// Parallel: the same for many values, on all processors.
// pthread_create(3).
// SPDX-License-Identifier: MIT

import Glibc

/// Work for many threads, which the mail path never has: hashing a list of passwords.
enum Parallel {
    /// What `body` makes of each value, in order.
    static func map<Value: Sendable, Output>(
        _ values: [Value], _ body: @escaping (Value) -> Output
    ) -> [Output] {
        let count = min(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))), 64, max(1, values.count))
        let size = (values.count + count - 1) / max(1, count)
        let slices = stride(from: 0, to: values.count, by: max(1, size)).map { start in
            Slice(values[start..<min(start + size, values.count)].map { value in { body(value) } })
        }
        let threads = slices.dropFirst().map { slice in (slice, start(slice)) }
        slices.first?.run()
        for (slice, thread) in threads {
            // A thread that could not be started: its work is ours.
            guard let thread else { slice.run(); continue }
            pthread_join(thread, nil)
        }
        return slices.flatMap(\.outputs)
    }

    private static func start<Output>(_ slice: Slice<Output>) -> pthread_t? {
        var thread = pthread_t()
        let work = Unmanaged.passRetained(slice as AnyWork)
        let failure = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<AnyWork>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, work.toOpaque())
        guard failure == 0 else {
            work.release()
            return nil
        }
        return thread
    }
}

private class AnyWork {
    func run() {}
}

/// What one thread does; nobody else looks at it until the thread has ended.
private final class Slice<Output>: AnyWork {
    private let work: [() -> Output]
    private(set) var outputs: [Output] = []

    init(_ work: [() -> Output]) { self.work = work }

    override func run() { outputs = work.map { $0() } }
}
