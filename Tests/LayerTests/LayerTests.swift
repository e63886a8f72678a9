import Foundation
import Testing

/// The table of the layers: what each folder of Sources may import. Glibc and SystemPackage count
/// as the system, which all but the model and the protocol may use.
private let table: [String: Set<String>] = {
    let model: Set<String> = ["MailModel"]
    let system = model.union(["UnixIO", "Glibc", "SystemPackage"])
    let control = system.union(["Control"])
    let pools = control.union(["Workers"])
    let engine = pools.union([
        "Resolver", "Recipients", "SMTPProtocol", "SMTPClient", "MailQueue", "FilterChain",
    ])
    let libraries: Set<String> = [
        "Counters", "MessageStructure", "MilterProtocol", "Patterns", "PostgreSQL", "Quarantine",
        "RecipientValidation", "Recipients", "RegexRules", "Resolver", "Scanning", "SenderPolicy",
        "SMTPProtocol", "SpamScoring", "SQL", "VirusScanner",
    ]
    return [
        "MailModel": [],
        "UnixIO": ["CUnix", "Glibc", "SystemPackage"],
        "Workers": system.subtracting(["SystemPackage"]).union(["CUnix"]),
        "Control": system,
        "Resolver": control.union(["CResolv"]),
        "Patterns": system.union(["CPCRE2"]),
        "SenderPolicy": control.union(["CSPF2", "Resolver"]),
        "Scanning": control,
        "VirusScanner": system.union(["CClamAV", "Scanning"]),
        "Quarantine": system,
        "JSONText": ["CJSON", "Glibc"],
        "HTTP": ["CHTTPParser"],
        "SpamScoring": control.union(["HTTP", "JSONText", "Resolver"]),
        "MessageStructure": system.union(["CGMime"]),
        "Counters": system.union(["CHiredis", "CLMDB"]),
        "Recipients": control,
        "RegexRules": control.union(["FilterKit", "Patterns"]),
        "SQL": system,
        "SQLite": system.union(["CSQLite", "SQL"]),
        "PostgreSQL": system.union(["CPostgreSQL", "SQL"]),
        "SASL": ["CGSASL", "Glibc", "MailModel"],
        "AuthCheck": pools.union(["CUnix", "AuthProtocol", "Credentials", "Passwords", "SASL"]),
        "AuthProtocol": system.union(["Workers"]),
        "Passwords": ["COpenSSL", "CPasswords", "Glibc", "MailModel", "SASL"],
        "Accounts": control.union(["Passwords", "Recipients"]),
        "Credentials": control.union([
            "Accounts", "Passwords", "Recipients", "SQL", "SQLite", "PostgreSQL",
        ]),
        "HTTPS": ["CCurl", "MailModel"],
        "TLS": control.union(["COpenSSL"]),
        "Callout": control.union(["Resolver", "SMTPProtocol", "SMTPClient"]),
        "RecipientValidation": control.union([
            "FilterKit", "Recipients", "SQL", "SQLite", "Callout", "Resolver", "SMTPProtocol",
        ]),
        "FilterKit": pools,
        "FilterChain": pools,
        "SMTPProtocol": model,
        "MilterProtocol": model,
        "MilterServer": control.union([
            "CMilter", "FilterChain", "SMTPProtocol", "Synchronization",
        ]),
        "MailQueue": pools,
        "Injection": control.union(["MailQueue"]),
        "SMTPClient": system.union(["SMTPProtocol"]),
        "Relaying": control.union(["SMTPClient", "SMTPProtocol"]),
        "Delivery": engine.subtracting(["FilterChain"]),
        "TransportSecurity": control.union([
            "Delivery", "Resolver", "SMTPClient", "SMTPProtocol", "TLS",
        ]),
        "SMTPServer": engine.union(["AuthProtocol", "Relaying", "TLS"]),
        "Filters": control.union(["FilterKit"]).union(libraries),
        "Programs": engine.union([
            "Accounts", "AuthCheck", "Delivery", "Passwords", "SMTPServer", "ArgumentParser",
            "HTTPS", "Injection", "MilterServer", "Quarantine", "Relaying", "TransportSecurity",
        ]),
    ]
}()

private struct SourceFile: CustomTestStringConvertible, Sendable {
    let path: String
    let module: String
    let lines: [String]

    var testDescription: String { path }

    /// The modules that the file imports.
    var imports: [String] {
        lines.compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            guard let index = words.firstIndex(of: "import"), index <= 2,
                words[..<index].allSatisfy({ $0.hasPrefix("@") || $0 == "public" }),
                index + 1 < words.count
            else { return nil }
            return words.last
        }
    }
}

private let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

private let sources: [SourceFile] = {
    let folder = root.appendingPathComponent("Sources").path
    let all = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    return all.filter { $0.hasSuffix(".swift") }.sorted().map { path in
        let text = (try? String(contentsOfFile: "\(folder)/\(path)", encoding: .utf8)) ?? ""
        return SourceFile(
            path: path, module: String(path.prefix { $0 != "/" }),
            lines: text.split(separator: "\n").map(String.init))
    }
}()

@Suite struct LayerTests {
    @Test func `there are sources, and a row of the table for each module`() {
        #expect(sources.count > 100)
        #expect(Set(sources.map(\.module)) == Set(table.keys))
    }

    @Test(arguments: sources)
    fileprivate func `a file imports what its layer may`(file: SourceFile) {
        let allowed = table[file.module] ?? []
        for name in file.imports {
            #expect(allowed.contains(name), "\(file.path) imports \(name)")
        }
    }

    @Test func `ArgumentParser is for the administrator's command alone`() {
        let users = sources.filter { $0.imports.contains("ArgumentParser") }.map(\.path)
        #expect(users.allSatisfy { $0.hasPrefix("Programs/chainmail/") })
    }

    @Test(arguments: sources)
    fileprivate func `a file names its licence and fits on some screens`(file: SourceFile) {
        #expect(file.lines.prefix(3).contains("// SPDX-License-Identifier: MIT"))
        #expect(file.lines.count <= 300)
    }
}
