// QmailQueue: what stands for a real qmail-queue, and keeps what it was given.
// qmail-queue(8): descriptors, envelope, exit codes, files.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel

/// A folder with `bin/qmail-queue` and a `queue` in a qmail's form.
public final class QmailQueue: Sendable {
    /// The folder: /var/qmail elsewhere.
    public let folder: TestFolder
    /// The path of the program.
    public var program: String { folder.file("bin/qmail-queue") }

    /// A message that was queued.
    public struct Queued: Equatable, Sendable {
        /// The process that queued it, as it says itself.
        public var pid: pid_t
        /// The message without the Received field that qmail-queue puts on top.
        public var message: [UInt8]
        /// That field.
        public var received: String
        /// The reverse-path.
        public var sender: String
        /// The recipients.
        public var recipients: [String]
        /// Its environment.
        public var environment: Set<String>
        /// Its descriptors from 2 on.
        public var descriptors: [Int]
        /// Its command line.
        public var words: [String]
        /// Where it was started.
        public var folder: String
    }

    /// An empty queue.
    public init() throws {
        folder = try TestFolder()
        for name in ["pid", "mess", "intd", "todo", "seen"] {
            try folder.write("queue/\(name)/.keep", "")
        }
        // Another process writes it: one that is open for writing here is busy in every child.
        var tool = try Tool(
            "/bin/sh",
            [
                "-c", "mkdir -p \"$0\" && cat > \"$0/qmail-queue\" && chmod 755 \"$0/qmail-queue\"",
                folder.file("bin"),
            ])
        tool.message = Array(QmailQueue.script.utf8)
        guard try tool.run().code == 0 else { throw TestFailure("no qmail-queue") }
    }

    /// Makes the next ones end with this code, before they read anything; nil: as they should.
    public func fail(_ code: Int?) throws {
        try folder.write("code", code.map { "\($0)" } ?? "")
    }

    /// The names of what is queued, and of what was begun.
    public var names: [String] {
        ["pid", "mess", "intd", "todo"].flatMap { name in
            folder.names(in: "queue/\(name)").filter { $0 != ".keep" }.map { "\(name)/\($0)" }
        }
    }

    /// Takes out what is queued.
    public func take() throws -> [Queued] {
        try folder.names(in: "queue/todo").filter { $0 != ".keep" }.map { id in
            let queued = try read(id)
            for name in ["mess", "intd", "todo", "seen"] {
                unlink(folder.file("queue/\(name)/\(id)"))
            }
            return queued
        }
    }

    private func read(_ id: String) throws -> Queued {
        let message = try folder.read("queue/mess/\(id)")
        guard let end = message.firstIndex(of: 0x0A) else { throw TestFailure("no Received") }
        let records = try folder.read("queue/todo/\(id)")
            .split(separator: 0, omittingEmptySubsequences: false).dropLast()
        func values(_ kind: UInt8) -> [String] {
            records.filter { $0.first == kind }
                .map { String(decoding: $0.dropFirst(), as: UTF8.self) }
        }
        let lines = try folder.read("queue/seen/\(id)").split(separator: 0)
            .map { String(decoding: $0, as: UTF8.self) }
        func seen(_ kind: String) -> [String] {
            lines.filter { $0.hasPrefix(kind) }.map { String($0.dropFirst(kind.count)) }
        }
        return Queued(
            pid: values(0x70).first.flatMap { pid_t($0) } ?? 0,
            message: Array(message[(end + 1)...]),
            received: String(decoding: message[..<end], as: UTF8.self),
            sender: values(0x46).first ?? "", recipients: values(0x54),
            environment: Set(seen("env ")), descriptors: seen("fd ").compactMap { Int($0) },
            words: seen("arg "), folder: seen("cwd ").first ?? "")
    }

    private static let script = #"""
        #!/usr/bin/env python3
        import os, signal, sys, time
        home = os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[0])))
        # The folder's own descriptor is in the list while it is read.
        seen = [int(fd) for fd in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + fd)]
        cwd = os.getcwd()
        os.umask(0o33)
        code = open(home + '/code').read() if os.path.exists(home + '/code') else ''
        if code: os._exit(int(code))
        os.chdir(home + '/queue')
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.alarm(86400)
        pid = os.getpid()
        name = 'pid/%d.%d' % (pid, time.time_ns())
        mess = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        id = str(os.fstat(mess).st_ino)
        made = ['mess/' + id]
        os.rename(name, made[0])
        def die(code):
            for path in made: os.unlink(path)
            os._exit(code)
        def records(fd):
            data = b''
            while chunk := os.read(fd, 65536): data += chunk
            return data
        os.write(mess, b'Received: (qmail %d invoked by uid %d); %s -0000\n' % (
            pid, os.getuid(), time.strftime('%d %b %Y %H:%M:%S', time.gmtime()).lstrip('0').encode()))
        while chunk := os.read(0, 65536): os.write(mess, chunk)
        os.fsync(mess)
        made.append('intd/' + id)
        intd = os.open(made[1], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        rest = records(1)
        out = b'u%d\0p%d\0' % (os.getuid(), pid)
        if not rest: die(54)
        if rest[:1] != b'F': die(91)
        while True:
            record, nul, rest = rest.partition(b'\0')
            if not nul: die(54)
            if not record: break
            if len(record) > 1003: die(11)
            if record[:1] != (b'F' if out.count(b'\0') == 2 else b'T'): die(91)
            out += record + b'\0'
        os.write(intd, out)
        os.fsync(intd)
        facts = [b'env ' + k + b'=' + v for k, v in os.environb.items()]
        facts += [b'fd %d' % fd for fd in sorted(seen) if fd > 1]
        facts += [b'arg ' + os.fsencode(word) for word in sys.argv] + [b'cwd ' + os.fsencode(cwd)]
        with open('seen/' + id, 'wb') as file: file.write(b'\0'.join(facts))
        os.link(made[1], 'todo/' + id)
        os._exit(0)
        """# + "\n"
}
