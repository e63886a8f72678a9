// Tests of auth-check by hand, and of its exit codes.
// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@Suite struct ProgramTests {
    private let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try folder.write("etc/users", "anna:{PLAIN}pencil::::::\n")
    }

    private func run(_ arguments: [String], _ password: String = "") throws -> ToolResult {
        var tool = try Tool("auth-check", ["--root", folder.path] + arguments)
        tool.message = Array(password.utf8)
        return try tool.run()
    }

    @Test(arguments: [
        ("anna", "pencil", 0, "accepted as anna"), ("anna", "pencil\n", 0, "accepted as anna"),
        ("anna", "pencil\r\nmore", 0, "accepted as anna"), ("anna", "pen", 1, "refused"),
        ("anna", "", 1, "nobody was asked"), ("otto", "pencil", 1, "no such login"),
        ("", "pencil", 1, "nobody was asked"),
    ])
    func `a password is checked by hand`(
        login: String, password: String, code: Int32, text: String
    ) throws {
        let result = try run(["--check", login], password)
        #expect(result.code == code)
        #expect(result.text.contains(text))
        #expect(!result.text.contains("pencil") && result.errors.isEmpty)
    }

    @Test func `a source that cannot say is exit 75, and is asked once`() throws {
        let program = try folder.write(
            "program.sh", "#!/bin/sh\necho asked >>\(folder.file("asked"))\nexit 111\n",
            mode: 0o700)
        try folder.write("etc/control/auth", "checkpassword probe=no \(program)\n")
        let result = try run(["--check", "anna"], "pencil")
        #expect(result.code == 75)
        #expect(result.text.contains("not known"))
        #expect(try folder.read("asked") == Array("asked\n".utf8))
    }

    private static let wrong: [([String], String?, Int32, String)] = [
        ([], nil, 64, "--serve"), (["--serve", "a", "--check", "b"], nil, 64, "one of"),
        (["--check", "a", "--workers", "0"], nil, 64, "--workers 0"),
        (["--serve", "a", "--trust", "root"], nil, 64, "--trust root"),
        (["--serve", "a", "--conversation-timeout", "0s"], nil, 64, "--conversation-timeout"),
        (["--check", "a"], "nonsense /a\n", 78, "auth:1"),
        (["--check", "a"], "oauth\n", 78, "auth:1: COMMAND is missing"),
        (["--check", "a"], "oauth relative\n", 78, "auth:1: COMMAND is a path"),
        (["--check", "a"], "# a\noauth /no/such\n", 78, "auth:2: /no/such: not executable"),
        (["--check", "a"], "certificate x\n", 78, "auth:1: nothing may follow"),
        (["--serve", "/no/such/folder/socket"], nil, 71, "/no/such/folder"),
    ]

    @Test(arguments: wrong)
    func `what is wrong at the start is one line and the exit of its kind`(
        arguments: [String], auth: String?, code: Int32, text: String
    ) throws {
        if let auth { try folder.write("etc/control/auth", auth) }
        let result = try run(arguments)
        #expect(result.code == code)
        #expect(result.errors.contains(text), "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1)
    }
}
