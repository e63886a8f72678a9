import Foundation
import MailModel
import TestSupport
import Testing

@Suite struct ExecutableTests {
    private static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The names of the executables: folders of Filters and Programs.
    private static let names: [String] = ["Filters", "Programs"].flatMap { group in
        let folder = root.appendingPathComponent("Sources/\(group)").path
        return (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    }.filter { !$0.hasSuffix("-full") }.sorted()

    private func page(of name: String) throws -> String {
        let pages = [1, 8].map { Self.root.appendingPathComponent("man/\(name).\($0)").path }
        let path = try #require(pages.first { FileManager.default.fileExists(atPath: $0) })
        return try String(contentsOfFile: path, encoding: .utf8)
    }

    @Test func `there are executables`() {
        #expect(ExecutableTests.names.count >= 14)
    }

    @Test(arguments: names)
    func `an executable has a manual page of its name`(name: String) throws {
        let page = try page(of: name)
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "SEE ALSO"] {
            #expect(page.contains("\n.Sh \(section)\n"), "no section \(section)")
        }
    }

    @Test(arguments: names)
    func `an executable prints its version and nothing else`(name: String) throws {
        let result = try Tool(name, ["--version"]).run()
        #expect(result.termination == .exited(0))
        #expect(result.text == "\(name) \(chainmailVersion)\n")
        #expect(result.errors.isEmpty)
    }

    @Test(arguments: names)
    func `every option of the help is in the manual`(name: String) throws {
        let result = try Tool(name, ["--help"]).run()
        #expect(result.termination == .exited(0))
        let options = Set(result.text.matches(of: /--([a-z][a-z-]+)/).map { String($0.output.1) })
        #expect(options.contains("help"))
        let page = try page(of: name)
        let common = Set(["help", "version"])
        for option in options.subtracting(common).sorted() {
            #expect(page.contains(" -\(option)"), "--\(option) is not in the manual")
        }
    }

    @Test(arguments: names)
    func `an unknown option is one line and the exit of its kind`(name: String) throws {
        let result = try Tool(name, ["--no-such-option"]).run()
        #expect([55, 64].contains(result.code))
        #expect(result.errors.contains("--no-such-option"))
    }
}
