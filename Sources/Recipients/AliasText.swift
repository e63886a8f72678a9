// AliasText: the lines of an aliases file.
// aliases(5).
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// An aliases file in memory.
struct AliasText {
    /// What stands behind a name, and in which line it begins.
    struct Entry {
        let line: Int
        let values: [AliasValue]
    }

    let path: String
    /// By name, in small letters.
    private(set) var entries: [[UInt8]: Entry] = [:]

    /// The line that is being read: it goes on while lines begin with a blank.
    private struct Open {
        let name: [UInt8]
        let line: Int
        var values: [AliasValue] = []
        var size = 0
        var needsComma = false
    }

    /// Reads a file.
    /// - Throws: `ControlError` with file and line for what is no alias and for a name that is
    ///   there twice, and when the file is missing or cannot be read.
    init(_ path: String) throws(ControlError) {
        let (folder, name) = ControlFolder.parts(of: path)
        guard let content = try folder.contents(name) else { throw .missing(path) }
        try self.init(content, path)
    }

    /// Reads the content of a file.
    init(_ content: [UInt8], _ path: String) throws(ControlError) {
        self.path = path
        var open: Open?
        var number = 0
        for line in content.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            do throws(AliasFault) {
                try read(line, number, &open)
            } catch {
                throw .invalid(file: path, line: number, reason: error.reason)
            }
        }
        do throws(AliasFault) { try close(open) } catch {
            throw .invalid(file: path, line: open?.line, reason: error.reason)
        }
    }

    private mutating func read(
        _ line: ArraySlice<UInt8>, _ number: Int, _ open: inout Open?
    ) throws(AliasFault) {
        guard let first = line.first(where: { !$0.isBlank }), first != 0x23 else { return }
        var lexer = AliasLexer(line)
        if line.first?.isBlank != true {
            try close(open)
            open = nil
            let name = try lexer.name()
            if let earlier = entries[name] {
                throw AliasFault("\(name.printable) is in line \(earlier.line) already")
            }
            open = Open(name: name, line: number)
        }
        guard var current = open else {
            throw AliasFault("a line that begins with a blank goes on with the one before it")
        }
        while let word = try lexer.word() {
            guard case .value(let value) = word else {
                current.needsComma = false
                continue
            }
            guard !current.needsComma else {
                throw AliasFault("no comma between this line's value and the one before it")
            }
            current.values.append(value)
            current.size += value.text.count + 1
            current.needsComma = true
            guard current.size <= AliasLimits.longestRecord else {
                throw AliasFault("an alias has at most \(AliasLimits.longestRecord) bytes")
            }
        }
        open = current
    }

    private mutating func close(_ open: Open?) throws(AliasFault) {
        guard let open else { return }
        guard !open.values.isEmpty else {
            throw AliasFault("nothing after \(open.name.printable): in line \(open.line)")
        }
        entries[open.name] = Entry(line: open.line, values: open.values)
    }

    /// Looks for aliases that lead to themselves by way of others, or too deep. `root: root` is none:
    /// that is the user.
    /// - Parameter isLocal: whether an address with a domain is of this host.
    /// - Throws: `ControlError` with the file and the line of one of them.
    func checkLoops(_ isLocal: (Mailbox) -> Bool) throws(ControlError) {
        var finished: [[UInt8]: Int] = [:]
        for name in entries.keys {
            var trail: [[UInt8]] = []
            _ = try visit(name, &trail, &finished, isLocal)
        }
    }

    /// How many aliases deep a name leads; none where it is no alias.
    private func visit(
        _ name: [UInt8], _ trail: inout [[UInt8]], _ finished: inout [[UInt8]: Int],
        _ isLocal: (Mailbox) -> Bool
    ) throws(ControlError) -> Int {
        if let depth = finished[name] { return depth }
        guard let entry = entries[name] else { return 0 }
        var depth = 1
        trail.append(name)
        for value in entry.values {
            guard let next = AliasText.name(value, isLocal), next != name else { continue }
            if trail.contains(next) {
                let names = (trail + [next]).map(\.printable).joined(separator: ", ")
                throw .invalid(
                    file: path, line: entry.line, reason: "aliases that are each other: \(names)")
            }
            if trail.count < AliasLimits.depth {
                depth = max(depth, 1 + (try visit(next, &trail, &finished, isLocal)))
            }
            guard trail.count < AliasLimits.depth || entries[next] == nil,
                depth <= AliasLimits.depth
            else {
                throw .invalid(
                    file: path, line: entry.line,
                    reason: "more than \(AliasLimits.depth) aliases, each in the one before it")
            }
        }
        trail.removeLast()
        finished[name] = depth
        return depth
    }

    /// The name of this host that a value is, in small letters.
    private static func name(_ value: AliasValue, _ isLocal: (Mailbox) -> Bool) -> [UInt8]? {
        guard case .address(let address) = value, let mailbox = try? Mailbox(address) else {
            return nil
        }
        guard mailbox.domain == nil || isLocal(mailbox) else { return nil }
        return mailbox.localPart.asciiLowercased
    }
}
