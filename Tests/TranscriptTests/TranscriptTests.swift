// Tests of the tools as they are run: every case of every transcript, in every convention it names.
// Tests/Transcripts/README.md.
// SPDX-License-Identifier: MIT

import Foundation
import TestSupport
import Testing

/// One case in one convention.
struct Performance: Sendable, CustomTestStringConvertible {
    let one: TranscriptCase
    let way: Way

    var testDescription: String { "\(one.place) \(one.title) [\(way.rawValue)]" }
}

struct TranscriptTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Transcripts").path

    /// Every transcript: the tool that its folder names, and its path.
    private static let files: [(tool: String, path: String)] = {
        let manager = FileManager.default
        let tools = ((try? manager.contentsOfDirectory(atPath: root)) ?? []).sorted()
        return tools.flatMap { tool in
            let folder = "\(root)/\(tool)"
            let names = ((try? manager.contentsOfDirectory(atPath: folder)) ?? []).sorted()
            return names.filter { $0.hasSuffix(".t") }.map { (tool, "\(folder)/\($0)") }
        }
    }()

    /// What can be read; what cannot is the first test's business.
    private static let performances = files.flatMap { file in
        ((try? TranscriptReader.cases(in: file.path, tool: file.tool)) ?? []).flatMap { one in
            one.ways.map { Performance(one: one, way: $0) }
        }
    }

    @Test func `every transcript can be read`() throws {
        #expect(!Self.files.isEmpty)
        for file in Self.files {
            #expect(throws: Never.self) {
                _ = try TranscriptReader.cases(in: file.path, tool: file.tool)
            }
        }
    }

    @Test(arguments: performances)
    func `each step comes out as written`(performance: Performance) throws {
        let stagehand = try Stagehand(performance.one, performance.way)
        for (index, step) in performance.one.steps.enumerated() {
            let outcome = try stagehand.outcome(of: step)
            let expected = step.expected(performance.way, tool: performance.one.tool)
            #expect(outcome == expected, "step \(index + 1)")
        }
    }
}
