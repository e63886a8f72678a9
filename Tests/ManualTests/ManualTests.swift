// Tests of the manual: every executable has a page, and the page and the executable agree.
// STYLE: documentation is tested.
// SPDX-License-Identifier: MIT

import Foundation
import MailModel
import TestSupport
import Testing
import UnixIO

struct ManualTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// Every executable; a twin is documented with the program that becomes it.
    private static let programs = ["Filters", "Programs"].flatMap { folder in
        ((try? Files.names(in: "\(root)/Sources/\(folder)")) ?? []).filter {
            !$0.hasSuffix("-full")
        }
    }.sorted()

    private func page(of program: String) throws -> String {
        for section in [1, 8] {
            let path = "\(Self.root)/man/\(program).\(section)"
            guard try Files.status(path) != nil else { continue }
            return String(decoding: try Files.contents(of: path), as: UTF8.self)
        }
        throw TestFailure("man/\(program).1 or .8 is not there")
    }

    /// The text of a page's section; empty when it has none.
    private func section(_ name: String, of page: String) -> String {
        let parts = page.components(separatedBy: "\n.Sh ")
        return parts.first { $0.hasPrefix("\(name)\n") } ?? ""
    }

    @Test func `there are executables to look at`() {
        #expect(Self.programs.count >= 12)
    }

    @Test(arguments: programs)
    func `--version prints the name and the version`(program: String) throws {
        let result = try Tool(program, ["--version"]).run()
        #expect(result.code == 0)
        #expect(result.text == "\(program) \(chainmailVersion)\n")
    }

    @Test(arguments: programs)
    func `every option of --help is in the page`(program: String) throws {
        let help = try Tool(program, ["--help"]).run()
        #expect(help.code == 0)
        let page = try page(of: program)
        let options = Set(
            help.text.matches(of: /--([a-z][a-z0-9-]*)/).map { String($0.output.1) })
        #expect(!options.isEmpty)
        for option in options where option != "help" && option != "version" {
            #expect(page.contains("Fl -\(option)"), "--\(option) is not in \(program)'s page")
        }
    }

    @Test(arguments: programs)
    func `every option of the page is in --help`(program: String) throws {
        let help = try Tool(program, ["--help"]).run().text
        let page = try page(of: program)
        let synopsis = section("SYNOPSIS", of: page)
        #expect(!synopsis.isEmpty)
        for match in synopsis.matches(of: /Fl -([a-z][a-z0-9-]*)/) {
            #expect(help.contains("--\(match.output.1)"), "--\(match.output.1) is not in --help")
        }
    }

    @Test(arguments: programs)
    func `an option that does not exist is refused with a word`(program: String) throws {
        let result = try Tool(program, ["--no-such-option"]).run()
        #expect(result.code != 0)
        #expect(result.errors.contains("--no-such-option"))
        #expect(try !section("EXIT STATUS", of: page(of: program)).isEmpty)
    }

    @Test(arguments: programs)
    func `every exit code of the page is one that filters or tools have`(program: String) throws {
        let text = section("EXIT STATUS", of: try page(of: program))
        let codes = text.matches(of: /\n\.It (?:Er )?([0-9]+)/).compactMap { Int32($0.output.1) }
        let legal = Set(FilterExit.allCases.map(\.rawValue)).union([0, 1]).union(64...78)
        #expect(!codes.isEmpty)
        #expect(codes.allSatisfy(legal.contains))
    }

    @Test func `every page passes mandoc's lint`() throws {
        let pages = try Files.names(in: "\(Self.root)/man").map { "\(Self.root)/man/\($0)" }
        let result = try Tool("/usr/bin/mandoc", ["-T", "lint", "-W", "warning"] + pages).run()
        #expect(result.text == "")
        #expect(result.code == 0)
    }
}
