import Control
import TestSupport
import Testing

@Suite struct SystemUsersTests {
    private func users(_ text: String) throws -> SystemUsers {
        let folder = try TestFolder()
        return try SystemUsers(try folder.write("passwd", text))
    }

    @Test func `a user is found by name and by number`() throws {
        let users = try users("root:x:0:0::/root:/bin/sh\nchainmail:x:64101:64102::/:/bin/false\n")
        #expect(users["chainmail"]?.user == 64101)
        #expect(users["chainmail"]?.group == 64102)
        #expect(users[64101]?.name == Array("chainmail".utf8))
        #expect(users["chain"] == nil)
    }

    @Test(arguments: [
        "+::::::", "chainmail:x:64101", "chainmail:x:-1:1::/:", "chainmail:x::1::/:",
        "chainmail:x:99999999999:1::/:", ":x:1:1::/:", "chainmail:x:1:1::/:/bin/false:more",
    ])
    func `a line that is no user is passed over`(line: String) throws {
        let users = try users("\(line)\nalice:x:1000:1000::/home/alice:/bin/sh\n")
        #expect(users["chainmail"] == nil)
        #expect(users["alice"]?.user == 1000)
    }

    @Test func `a file that is missing is an error`() {
        #expect(throws: ControlError.self) { try SystemUsers("/nonexistent/passwd") }
    }

    @Test func `the groups of a user are those that name it, but for root's`() throws {
        let folder = try TestFolder()
        let path = try folder.write(
            "group",
            "root:x:0:alice\nmail:x:8:bob,alice\nalice:x:1000:\nclamav:x:111:alice\nx:x:9:malice\n")
        #expect(try SystemUsers.groups(of: "alice", in: path) == [8, 111])
    }
}
