// Tests of filter-chain --serve-step: a step without workers that another process starts.
// filter-chain(8).
// SPDX-License-Identifier: MIT

import TestSupport
import Testing
import UnixIO

struct StepServiceTests {
    private let root: ChainFolder

    init() throws {
        root = try ChainFolder()
        try root.folder.write("run/filters/.keep", "")
        // Whoever starts it hands on its environment.
        try root.folder.write(
            "etc/filters.d/10-a",
            "#!/bin/sh\n[ \"$WHO\" = service ] && exit 31\nexit 0\n", mode: 0o755)
    }

    private func serve(_ name: String) throws -> Service {
        var tool = try Tool(
            "filter-chain", ["--serve-step", name, "--root", root.folder.path])
        tool.environment["WHO"] = "service"
        return try Service(tool, log: root.folder.file("service.log"))
    }

    @Test func `a step that is served is not started by whoever runs the chain`() throws {
        #expect(try root.byHand().code == 0)
        let service = try serve("10-a")
        #expect(try root.byHand().code == 31)
        try service.stop()
        // Nobody serves the socket now, and nobody else may start the step.
        #expect(try root.byHand().code == 71)
    }

    @Test(arguments: ["10-b", "20-resident"])
    func `only a step without workers is served`(name: String) throws {
        try root.folder.write("etc/filters.d/20-resident", "run regex-filter\n")
        let tool = try Tool("filter-chain", ["--serve-step", name, "--root", root.folder.path])
        let result = try tool.run()
        #expect(result.code == 55)
        #expect(result.errors.contains("--serve-step \(name): no such step without workers"))
    }
}
