// A host with users, their dot-qmail files, and an agent that delivers to them.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import TestSupport
import UnixIO

@testable import Delivery
@testable import Recipients

/// A root whose one user, alice, is whoever runs the tests; for root somebody else, whom the agent
/// then becomes.
struct LocalWorld {
    static let isRoot = geteuid() == 0
    static let user: uid_t = isRoot ? 64_107 : geteuid()
    static let group: gid_t = isRoot ? 64_107 : getegid()

    let folder: TestFolder
    let root: Root

    init(_ files: [String: String] = [:]) throws {
        folder = try TestFolder()
        chmod(folder.path, 0o755)
        root = try makeRoot(
            folder,
            [
                "locals": "y.test\n", "virtualdomains": "virtual.test:alice-virtual\n",
                "percenthack": "y.test\n",
            ].merging(files) { $1 })
        try folder.write(
            "root/etc/users/passwd",
            "alice:x:\(Self.user):\(Self.group):Alice:\(home):/bin/sh\n"
                + "somebody:x:\(Self.user &+ 1):1:S:\(folder.path)/somebody:/bin/sh\n")
        try Files.makeFolders(home)
        chmod(home, 0o755)
        for path in ["root", "root/mail", "home"] {
            try Files.makeFolders(folder.file(path))
            chmod(folder.file(path), 0o755)
        }
        if Self.isRoot { chown(home, Self.user, Self.group) }
    }

    var home: String { folder.file("home/alice") }

    /// Writes a dot-qmail file of alice.
    func dotQmail(_ name: String, _ text: String, mode: UInt32 = 0o644) throws {
        try folder.write("home/alice/.qmail\(name)", text)
        chmod("\(home)/.qmail\(name)", mode)
    }

    /// What becomes of a message for these recipients, at the first attempt or at a later one.
    func deliver(
        _ recipients: [String], text: String = "Subject: x\n\nhi\n",
        from sender: String = "sender@x.test", done: [Int: [[UInt8]]] = [:]
    ) throws -> [DeliveryResult] {
        let stored = try StoredMessage(text)
        var agent = try LocalAgent(root, becomesOwner: Self.isRoot)
        var request = try stored.request(recipients, from: sender)
        request.done = done
        request.numbers = Array(recipients.indices)
        return agent.deliver(request, stored.file.borrowed).results
    }

    /// The reply to one recipient, as a line.
    func reply(_ recipient: String, from sender: String = "sender@x.test") throws -> String {
        try deliver([recipient], from: sender).map { "\($0.reply)" }.joined()
    }

    /// How many messages are in a Maildir of alice's home.
    func count(_ maildir: String = "Maildir") -> Int {
        folder.names(in: "home/alice/\(maildir)/new").count
    }
}
