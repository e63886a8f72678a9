// Sessions with a running server, compared line by line with Tests/Transcripts/smtp-server.
// SPDX-License-Identifier: MIT

import Foundation
import SMTPProtocol
import TestSupport
import Testing

/// One file: what the server is given, and what is said. See README in the folder.
private struct Transcript {
    var control: [String: String] = [:]
    var options: [String] = []
    var users = ""
    var dialogue: [(number: Int, mark: Character, text: String)] = []

    init(path: String) throws {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let words = line.split(separator: " ", maxSplits: 2).map(String.init)
            switch words.first {
            case nil, "#": continue
            case "control":
                control[words[1], default: ""] += (words.count > 2 ? words[2] : "") + "\n"
            case "user": users += words.dropFirst().joined(separator: " ") + "\n"
            case "options": options += line.split(separator: " ").dropFirst().map(String.init)
            case "C:", "S:", "B:", "E:":
                guard let mark = line.first else { continue }
                dialogue.append((index + 1, mark, String(line.dropFirst(3))))
            default: throw TestFailure("\(path):\(index + 1): not a line of a transcript")
            }
        }
    }

    /// `\r`, `\n`, `\0` and `\\` as the bytes they stand for.
    static func bytes(_ text: String) -> String {
        var result = ""
        var isEscaped = false
        for character in text {
            guard isEscaped else {
                isEscaped = character == "\\"
                if !isEscaped { result.append(character) }
                continue
            }
            isEscaped = false
            let meanings: [Character: String] = ["r": "\r", "n": "\n", "0": "\0"]
            result += meanings[character] ?? String(character)
        }
        return result
    }

    /// True when the line is the expected one, in which `{*}` stands for any text.
    static func matches(_ line: String, _ expected: String) -> Bool {
        let parts = expected.components(separatedBy: "{*}")
        guard parts.count == 2 else { return line == expected }
        return line.count >= expected.count - 3 && line.hasPrefix(parts[0])
            && line.hasSuffix(parts[1])
    }
}

@Suite struct TranscriptTests {
    private static let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Transcripts/smtp-server").path

    private static let names =
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
        .filter { $0.hasSuffix(".smtp") }.sorted()

    @Test func `there are transcripts`() { #expect(TranscriptTests.names.count >= 10) }

    @Test(arguments: names)
    func `a session goes as its transcript says`(_ name: String) throws {
        let transcript = try Transcript(path: "\(TranscriptTests.folder)/\(name)")
        let server = try TestServer(
            control: transcript.control, options: transcript.options
        ) { folder in
            guard !transcript.users.isEmpty else { return nil }
            try folder.write("etc/users", transcript.users)
            return try AuthServer.startCheck(folder)
        }
        let dialogue = try server.connect()
        var replies: [String] = []
        for line in transcript.dialogue {
            switch line.mark {
            case "C": try dialogue.send(line.text + "\r\n")
            case "B": try dialogue.send(Transcript.bytes(line.text))
            case "E":
                #expect(replies.isEmpty, "\(name):\(line.number): the server said more")
                let reply = try dialogue.reply()
                #expect(reply == nil, "\(name):\(line.number): not closed")
            default:
                if replies.isEmpty { replies = try dialogue.reply()?.wireLines ?? ["(closed)"] }
                if line.text.hasSuffix("{...}"), let first = replies.first {
                    #expect(
                        first.hasPrefix(line.text.dropLast(5)), "\(name):\(line.number): \(first)")
                    replies = []
                    continue
                }
                let found = replies.removeFirst()
                #expect(
                    Transcript.matches(found, line.text),
                    "\(name):\(line.number): \(found) is not \(line.text)")
            }
        }
        #expect(replies.isEmpty, "\(name): the server said more: \(replies)")
    }
}

extension SMTPReply {
    fileprivate var wireLines: [String] {
        String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n").dropLast()
    }
}
