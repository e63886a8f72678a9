// UnpackedProgram: programs of Debian packages that are unpacked below .build/interop.
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import UnixIO

/// A package that is not installed, since it would start a service. It is unpacked once, with the
/// libraries that the host lacks.
struct UnpackedProgram: Sendable {
    /// Postfix.
    static let postfix = Result { try UnpackedProgram("postfix", libraries: ["postfix"]) }

    /// What stands for `/`.
    let root: String
    private let libraryPath: String

    /// Unpacks a package. `libraries` are folders below `usr/lib` where it keeps its own.
    init(_ package: String, libraries: [String] = []) throws {
        // .build/debug is a link to .build/TRIPLE/debug.
        let builds = try Tool.folder().split(separator: "/").dropLast(2)
        let root = builds.reduce(into: "") { $0 += "/\($1)" } + "/interop/\(package)"
        var tool = try Tool("\(repository)/scripts/unpack-program", [package, root])
        tool.limit = .seconds(600)
        let result = try tool.run()
        guard result.code == 0 else { throw TestFailure("unpack-program: \(result.errors)") }
        self.root = root
        let own = libraries.map { "\(root)/usr/lib/\($0)" }
        let triple = "x86_64-linux-gnu"
        libraryPath = (own + ["\(root)/usr/lib/\(triple)", "\(root)/lib/\(triple)"])
            .joined(separator: ":")
    }

    /// A program of the package by its path below the root.
    func tool(_ path: String, _ arguments: [String]) throws -> Tool {
        var tool = try Tool("\(root)/\(path)", arguments)
        tool.environment["LD_LIBRARY_PATH"] = libraryPath
        return tool
    }
}
