// RuleSources: everything that the options name, loaded and compiled.
// regex-filter(8), section DESCRIPTION.
// SPDX-License-Identifier: MIT

import Control
import FilterKit
import MailModel
import Patterns
import UnixIO

/// The rules of all kinds, in the order in which they are applied: qmail's lists, which need
/// nothing but the envelope, then our rules, then Postfix's tables.
struct RuleSources {
    var control: QmailControl?
    var rules = RuleSet()
    var checks = PostfixChecks()

    static let options: [Usage.Option] = [
        .values("rules", "FILE", "a file of rules, regex-rules(5)"),
        .value("postfix-header-checks", "FILE", "a pcre table, header_checks(5)"),
        .value("postfix-body-checks", "FILE", "a pcre table, body_checks of header_checks(5)"),
        .value("postfix-body-limit", "SIZE", "how much of a body body checks see, 0: all (51200)"),
        .value("simscan-attach", "FILE", "suffixes of attachments, simscan's ssattach"),
        .value("qmail-control", "DIR", "a folder with badmailfrom, badrcptto, badhelo and others"),
    ]

    /// Loads what the options name.
    /// - Throws: `UsageError` when they name nothing; `ControlError` with file and line.
    init(_ options: Options, compilesToMachineCode: Bool) throws {
        var suffixes: [SuffixList] = []
        if let path = options["qmail-control"] {
            let folder = ControlFolder(path)
            let read = try QmailControl(folder)
            suffixes = [try SuffixList(folder, "ssattach")].compactMap(\.self)
            guard !read.isEmpty || !suffixes.isEmpty else {
                throw ControlError.invalid(
                    file: path, line: nil,
                    reason: "none of \(QmailControl.known), ssattach is there")
            }
            control = read
        }
        if let path = options["simscan-attach"] { suffixes.append(try RuleSources.suffixes(path)) }
        rules = try RuleSet(
            files: options.all("rules"), suffixes: suffixes,
            compilesToMachineCode: compilesToMachineCode)
        let table = { (option: String, kind: PostfixTableKind) in
            try options[option].map {
                try PostfixTable($0, kind, compilesToMachineCode: compilesToMachineCode)
            }
        }
        checks.header = try table("postfix-header-checks", .header)
        checks.body = try table("postfix-body-checks", .body)
        checks.bodyLimit = try options.size("postfix-body-limit") ?? checks.bodyLimit
        let names = RuleSources.options.map(\.name)
        guard names.contains(where: { options.has($0) && $0 != "postfix-body-limit" }) else {
            throw UsageError("no rules: --rules FILE is missing, or one of the other options")
        }
    }

    /// A list that is named must be there.
    private static func suffixes(_ path: String) throws(ControlError) -> SuffixList {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { path[..<$0].isEmpty ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        guard let list = try SuffixList(ControlFolder(folder), name) else {
            throw .invalid(file: path, line: nil, reason: "no such file")
        }
        return list
    }
}
