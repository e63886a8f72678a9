// GuestChannel: passes on connections that wait, between a process and its forks.
// unix(7), SCM_RIGHTS.
// SPDX-License-Identifier: MIT

import CUnix
import Glibc
import UnixIO

/// Two sockets. What is sent is whole or not there, and one reader gets it.
struct GuestChannel: ~Copyable {
    private let readEnd: OwnedDescriptor
    private let writeEnd: OwnedDescriptor

    init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        let type = SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        _ = try retrying("socketpair", "waiting room") {
            socketpair(AF_UNIX, Int32(type), 0, &ends)
        }
        readEnd = OwnedDescriptor(ends[0])
        writeEnd = OwnedDescriptor(ends[1])
    }

    var reading: Descriptor { readEnd.borrowed }
    var writing: Descriptor { writeEnd.borrowed }

    /// False when it is full, or the guest has too much to say.
    func send(_ guest: WaitingGuest, _ descriptor: Int32) -> Bool {
        let frame = guest.frame
        guard frame.count <= WaitingGuest.limit else { return false }
        var descriptor = descriptor
        return frame.withUnsafeBytes {
            cunix_send(writeEnd.number, $0.baseAddress, $0.count, &descriptor, 1) == $0.count
        }
    }

    /// Nil when it is empty.
    func receive() -> (socket: Int32, guest: WaitingGuest)? {
        while true {
            var descriptors: [Int32] = [-1, -1, -1, -1]
            var count = 0
            var got = 0
            let frame = [UInt8](unsafeUninitializedCapacity: WaitingGuest.limit) { buffer, filled in
                got = cunix_receive(
                    readEnd.number, buffer.baseAddress, buffer.count, &descriptors, &count)
                filled = max(0, got)
            }
            guard got > 0 else { return nil }
            if count == 1, let guest = WaitingGuest(frame: frame) { return (descriptors[0], guest) }
            for number in descriptors.prefix(count) { close(number) }
        }
    }
}
