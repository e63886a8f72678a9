// users/assign as users/cdb.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import TestSupport
import Testing

@testable import Recipients

@Suite struct AssignCompilerTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func compile(_ text: String) throws -> AssignCompiler.Counts {
        try folder.write("assign", text)
        return try AssignCompiler.compile(folder.file("assign"), to: folder.file("cdb"))
    }

    private func user(_ local: String) throws -> QmailUser? {
        try UsersDatabase(folder.file("cdb")).user(of: local.utf8)
    }

    @Test func `each name leads to its user, the first one where it is there twice`() throws {
        let counts = try compile(
            """
            =Alice:al:1:2:/home/al:::
            +team-:al:1:2:/home/al:-:t-:
            =alice:other:9:9:/home/other:::
            +:alias:5:6:/alias:-::
            .
            =late:other:9:9:/home/other:::
            """)
        #expect(counts.assignments == 3)
        #expect(counts.shadowed == 1)
        #expect(try user("ALICE")?.name == Array("al".utf8))
        #expect(try user("alice")?.gid == 2)
        #expect(try user("team-Red")?.ext == Array("t-Red".utf8))
        #expect(try user("late")?.home == "/alias")
    }

    @Test(arguments: [
        "alice:al:1:2:/home/al:::", "=alice:al:1:2:/home/al::", "=alice:al:x:2:/home/al:::",
        "=alice:al:1:-2:/home/al:::", "=alice:al:1:2:home:::", "=alice::1:2:/home/al:::", "# x", "",
        "=alice:al:99999999999:2:/home/al:::",
    ])
    func `a bad line is named and changes nothing`(line: String) throws {
        _ = try compile("=a:a:1:1:/a:::\n.\n")
        let error = #expect(throws: ControlError.self) {
            try compile("=alice:al:1:2:/home/al:::\n\(line)\n.\n")
        }
        #expect("\(try #require(error))".contains("assign:2"))
        #expect(try user("a")?.home == "/a")
    }

    @Test func `a file that may be cut short is no file`() throws {
        #expect(throws: ControlError.self) { try compile("=alice:al:1:2:/home/al:::\n") }
        #expect(throws: ControlError.self) { try compile("") }
    }

    @Test func `it is what qmail-newu makes`() throws {
        let lines = ["=exact:o:1:2:/o:-:two:", "+pre-:o:1:2:/o:-::", "+pre=:o:1:2:/o:-::"]
        _ = try compile(lines.joined(separator: "\n") + "\n.\n")
        try folder.write("other", QmailTree.users(lines))
        let ours = try ConstantDatabase(folder.file("cdb"))
        let theirs = try ConstantDatabase(folder.file("other"))
        for key in ["!exact\0", "!pre-", "!pre="] {
            let bytes = Array(key.utf8)
            #expect(try ours.value(for: bytes) == theirs.value(for: bytes))
        }
        #expect(try Set(ours.value(for: []) ?? []) == Set(theirs.value(for: []) ?? []))
    }
}
