// TestFolder: a folder that lives as long as a test.
// SPDX-License-Identifier: MIT

import Foundation
import MailModel

/// A fresh folder, removed with everything in it when the value ends.
public final class TestFolder: Sendable {
    /// Where it is.
    public let path: String

    /// Makes a folder below another; without one below TMPDIR, else /tmp.
    public init(in parent: String? = nil) throws {
        let parent = parent ?? ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        path = "\(parent)/chainmail-test-\(UUID().uuidString.lowercased())"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of something in it.
    public func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file, and makes the folders that its name needs.
    /// - Returns: its path.
    @discardableResult
    public func write(
        _ name: String, _ contents: some Sequence<UInt8>, mode: Int = 0o600
    ) throws -> String {
        let path = file(name)
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent,
            withIntermediateDirectories: true)
        try Data(Array(contents)).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return path
    }

    /// Writes text.
    /// - Returns: its path.
    @discardableResult
    public func write(_ name: String, _ text: String, mode: Int = 0o600) throws -> String {
        try write(name, Array(text.utf8), mode: mode)
    }

    /// The bytes of a file in it.
    public func read(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: file(name))))
    }

    /// The names in a folder of it, sorted; none when it is not there.
    public func names(in folder: String = "") -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: file(folder))) ?? []).sorted()
    }
}
