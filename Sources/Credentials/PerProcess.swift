// PerProcess: what each process must have for itself.
// fork(2).
// SPDX-License-Identifier: MIT

import Glibc

/// A value that is made when it is first asked for, and again in a process that was forked since.
///
/// What the process before fork has is neither used nor ended by the new one: the end of a connection
/// would be said to the server in the name of both.
final class PerProcess<Value: AnyObject> {
    private var value: Value?
    private var owner: pid_t = 0

    /// The value of this process.
    func get<Failure>(_ make: () throws(Failure) -> Value) throws(Failure) -> Value {
        let process = getpid()
        if let value, owner == process { return value }
        // Never released.
        if let value { _ = Unmanaged.passRetained(value) }
        value = nil
        let new = try make()
        value = new
        owner = process
        return new
    }
}
