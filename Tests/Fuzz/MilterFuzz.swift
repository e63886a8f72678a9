// MilterFuzz: what a milter sends, and what its changes make of a header.
// SPDX-License-Identifier: MIT

import MailModel
import MilterProtocol

/// A header of some fields of few names.
private let header = Array("A: 1\nB: 2\n b\nA:3\nC: \nb : 4\nA: 5\n".utf8)

/// The fields of `header`.
private let fields: [MilterHeader.Field] = {
    var fields: [MilterHeader.Field] = []
    var start = 0
    for line in header.split(separator: 0x0A) {
        let end = start + line.count + 1
        if line.first == 0x20, let last = fields.popLast() {
            fields.append(
                .init(name: last.name, value: [], range: last.range.lowerBound..<end))
        } else {
            fields.append(.init(name: [line.first ?? 0x41], value: [], range: start..<end))
        }
        start = end
    }
    return fields
}()

/// The first byte is flags, the next the size of pieces; then bytes of a milter.
func fuzzMilter(_ input: [UInt8]) {
    guard input.count > 2 else { return }
    let wire = input.dropFirst(2)
    let whole = packets(wire, pieces: wire.count)
    require(packets(wire, pieces: Int(input[1] % 9) + 1) == whole, "pieces matter")
    var changed = MilterHeader(fields, end: header.count, hasLeadingSpace: input[0] & 1 == 1)
    for packet in whole {
        if let command = try? MilterCommand(packet) {
            require((try? MilterCommand(command.packet)) == command, "\(command)")
        }
        guard let reply = try? MilterReply(packet) else { continue }
        require((try? MilterReply(reply.packet)) == reply, "\(reply)")
        take(reply, &changed)
    }
    check(changed)
}

/// All packets up to the first that is none.
private func packets(_ wire: ArraySlice<UInt8>, pieces: Int) -> [MilterPacket] {
    var buffer = MilterPackets(limit: 1024)
    var found: [MilterPacket] = []
    var rest = wire
    while !rest.isEmpty {
        buffer.append(rest.prefix(pieces))
        rest = rest.dropFirst(pieces)
        do throws(MilterError) {
            while let packet = try buffer.next() { found.append(packet) }
        } catch {
            return found
        }
    }
    return found
}

private func take(_ reply: MilterReply, _ header: inout MilterHeader) {
    switch reply {
    case .addHeader(let name, let value): _ = header.add(name, value)
    case .insertHeader(let index, let name, let value):
        _ = header.insert(at: index, name, value)
    case .changeHeader(let index, let name, let value): _ = header.change(index, name, value)
    case .reply(let text):
        guard let reply = Reply(milterText: text) else { return }
        require((400...599).contains(reply.code), "code \(reply.code)")
        require(reply.status.statusClass == (reply.isPermanent ? 5 : 4), "\(reply)")
    case .negotiate(let choice):
        guard let agreed = try? MilterNegotiation().agreed(choice) else { return }
        require((2...6).contains(agreed.version), "version")
    default: return
    }
}

/// Patches are in order, and what comes of them is a header. The simple form is the same header.
private func check(_ changed: MilterHeader) {
    var result: [UInt8] = []
    var position = 0
    for patch in changed.patches {
        require(patch.range.lowerBound >= position, "patches overlap")
        require(patch.range.upperBound <= header.count, "a patch beyond the end")
        result += header[position..<patch.range.lowerBound] + patch.bytes
        position = patch.range.upperBound
    }
    result += header[position...]
    require(changed.isUnchanged == (changed.patches.isEmpty), "unchanged")
    for line in result.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast() {
        require(!line.isEmpty && !line.contains(0) && !line.contains(0x0D), "no line of a header")
        require(line.first == 0x20 || line.first == 0x09 || line.contains(0x3A), "no field")
    }
    guard let simple = changed.simple else { return }
    let edits = simple.removed.map { Edit.remove(name: $0) } + simple.added.map(Edit.prepend)
    var filter = HeaderFieldFilter(removing: edits.overlay.removedNames)
    var edited = edits.overlay.top
    _ = header.withUnsafeBytes { filter.take($0, into: &edited) }
    filter.finish(into: &edited)
    require(edited == result, "the simple form is another header")
}
