// ClamdClient: scans by a clamd that runs.
// clamd(8), section COMMANDS: FILDES and INSTREAM.
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

/// Several clamd, asked in order. The first that gives a whole answer decides; the next one is
/// asked when one cannot be reached, breaks off, says what is no answer, has an error of its own,
/// or takes longer than its share of the time: what is left, divided by those that are left.
public struct ClamdClient: Sendable {
    /// How long a connection may take.
    static let connectLimit = Duration.seconds(5)
    /// The pieces of a stream.
    private static let pieceSize = 65_536

    let addresses: [ClamdAddress]
    let limit: Duration
    private let blocks: Set<BlockedContent>

    /// A client of these, in their order, that takes at most this long for a scan.
    public init(_ addresses: [ClamdAddress], limit: Duration, blocks: Set<BlockedContent>) {
        self.addresses = addresses
        self.limit = limit
        self.blocks = blocks
    }

    /// Scans a file, all of it.
    /// - Parameters:
    ///   - file: a regular or memory file, read with pread(2) only.
    ///   - length: how many bytes it has.
    /// - Returns: the result and who said so; `failed` when nobody did.
    public func scan(_ file: Descriptor, length: Int) -> (result: ScanResult, by: ClamdAddress?) {
        let end = Deadline.after(limit)
        var troubles: [String] = []
        for (index, address) in addresses.enumerated() {
            let share = end.remaining / (addresses.count - index)
            do throws(ClamdError) {
                let reply = try ask(address, file, length, .after(share))
                return (try result(reply), address)
            } catch {
                troubles.append("\(address): \(error)")
            }
        }
        return (.failed(troubles.joined(separator: "; ")), nil)
    }

    private func result(_ reply: ClamdReply) throws(ClamdError) -> ScanResult {
        switch reply {
        case .clean: return .clean
        case .found(let name): return ScanResult(alert: name, blocks: blocks)
        case .tooLarge: return .unscannable("size")
        // cl_strerror of CL_ETIMEOUT
        case .error(let text) where text.hasPrefix("Time limit reached"):
            return .unscannable("time")
        case .error(let text): throw .error(text)
        case .refused: throw .error("the command was refused")
        }
    }

    private func ask(
        _ address: ClamdAddress, _ file: Descriptor, _ length: Int, _ deadline: Deadline
    ) throws(ClamdError) -> ClamdReply {
        if case .local = address {
            let reply = try pass(file, to: address, deadline)
            if reply != .refused { return reply }
        }
        return try stream(file, length, to: address, deadline)
    }

    /// FILDES: clamd reads the file through a descriptor, from its beginning to its end.
    private func pass(
        _ file: Descriptor, to address: ClamdAddress, _ deadline: Deadline
    ) throws(ClamdError) -> ClamdReply {
        do throws(SystemError) {
            let reading = try OwnedDescriptor.reading(of: file.rawValue)
            let connection = try connect(address, deadline)
            try connection.send(Array("zFILDES\0".utf8), deadline: deadline)
            try connection.send([0], descriptors: [reading.borrowed], deadline: deadline)
            return try ClamdClient.reply(on: connection, about: "fd", deadline)
        } catch {
            throw ClamdError(error)
        }
    }

    /// INSTREAM: pieces with their length before them, and an empty one at the end.
    private func stream(
        _ file: Descriptor, _ length: Int, to address: ClamdAddress, _ deadline: Deadline
    ) throws(ClamdError) -> ClamdReply {
        do throws(SystemError) {
            let connection = try connect(address, deadline)
            let isWhole = try send(file, length, on: connection, deadline)
            let reply = try ClamdClient.reply(on: connection, about: "stream", deadline)
            // Who has not seen all of it cannot know that it is clean.
            if !isWhole, reply == .clean { throw .cutShort(connection.object) }
            return reply
        } catch {
            throw ClamdError(error)
        }
    }

    /// - Returns: false when clamd stopped listening. It may have said why.
    private func send(
        _ file: Descriptor, _ length: Int, on connection: borrowing Connection,
        _ deadline: Deadline
    ) throws(SystemError) -> Bool {
        var position = 0
        do throws(SystemError) {
            try connection.send(Array("zINSTREAM\0".utf8), deadline: deadline)
            while position < length {
                let count = min(ClamdClient.pieceSize, length - position)
                let piece = try file.bytes(at: position, count: count, "message")
                guard piece.count == count else { throw SystemError.cutShort("message") }
                try connection.send(ClamdClient.size(count) + piece, deadline: deadline)
                position += count
            }
            try connection.send(ClamdClient.size(0), deadline: deadline)
            return true
        } catch  where error.errno == .brokenPipe || error.errno == .connectionReset {
            return false
        }
    }

    private func connect(
        _ address: ClamdAddress, _ deadline: Deadline
    ) throws(SystemError) -> Connection {
        try address.connect(min(deadline, .after(ClamdClient.connectLimit)))
    }

    /// What comes until the NUL that ends a reply, or the end.
    private static func reply(
        on connection: borrowing Connection, about subject: String, _ deadline: Deadline
    ) throws(SystemError) -> ClamdReply {
        var received = Received()
        while !received.bytes.contains(0) {
            let got = try connection.receive(into: &received, limit: 1024, deadline: deadline)
            guard got > 0 else { throw .cutShort(connection.object) }
            guard received.bytes.count <= ClamdReply.limit else { break }
        }
        guard let reply = ClamdReply(received.bytes, to: subject) else {
            throw SystemError("read", connection.object, .badMessage)
        }
        return reply
    }

    /// Four bytes, the highest first.
    private static func size(_ count: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
    }
}

/// Why one clamd gave no answer.
enum ClamdError: Error, CustomStringConvertible {
    case system(SystemError)
    /// clamd's own words.
    case error(String)

    init(_ error: SystemError) { self = .system(error) }

    var description: String {
        switch self {
        case .system(let error):
            switch error.errno {
            case .timedOut: "no answer in time"
            case .badMessage: "what it says is no answer"
            case .noData: "it broke off"
            default: "\(error.call): \(error.errno)"
            }
        case .error(let text): text
        }
    }
}

extension SystemError {
    /// The end came too early.
    fileprivate static func cutShort(_ object: String) -> SystemError {
        SystemError("read", object, .noData)
    }
}
