// swift-tools-version: 6.2
import PackageDescription

// One line a program: a filter, a program, or a C library's door. The layers are in DESIGN order,
// and Tests/LayerTests holds the imports against them.

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// What runs per message links statically: it starts in 0.6 ms instead of 2.8.
let isStatic: [LinkerSetting] = [
    .unsafeFlags(
        ["-static-executable", "-Xlinker", "--gc-sections", "-Xlinker", "-s"],
        .when(configuration: .release))
]

/// For programs whose C libraries have no static archive.
let hasStaticRuntime: [LinkerSetting] = [
    .unsafeFlags(["-static-stdlib", "-Xlinker", "-s"], .when(configuration: .release))
]

/// ArgumentParser needs FoundationEssentials, which does not name the archives that it needs itself.
let hasStaticFoundation: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-static-stdlib", "-Xlinker", "-s", "-l_FoundationCollections", "-l_FoundationCShims",
        ],
        .when(configuration: .release))
]

let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let arguments = Target.Dependency.product(
    name: "ArgumentParser", package: "swift-argument-parser")

func module(_ name: String, _ imports: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: imports, swiftSettings: strict)
}

func library(_ name: String, pkgConfig: String? = nil, _ package: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([package])])
}

func filter(
    _ name: String, _ imports: [Target.Dependency] = [], linker: [LinkerSetting] = isStatic
) -> Target {
    .executableTarget(
        name: name, dependencies: ["FilterKit", "MailModel", "UnixIO", "Control"] + imports,
        path: "Sources/Filters/\(name)", swiftSettings: strict, linkerSettings: linker)
}

func program(
    _ name: String, _ imports: [Target.Dependency], linker: [LinkerSetting] = isStatic
) -> Target {
    .executableTarget(
        name: name, dependencies: ["MailModel", "UnixIO", "Control"] + imports,
        path: "Sources/Programs/\(name)", swiftSettings: strict, linkerSettings: linker)
}

func tests(_ name: String, _ imports: [Target.Dependency]) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: imports, path: "Tests/\(name)Tests",
        swiftSettings: strict)
}

let package = Package(
    name: "chainmail",
    dependencies: [
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        // The model and the system.
        module("MailModel"),
        .target(name: "CUnix"),
        module("UnixIO", ["CUnix", systemPackage]),
        module("Workers", ["UnixIO", "MailModel"]),
        module("Control", ["UnixIO", "MailModel"]),

        // Doors to C libraries, and what is built on them.
        .target(name: "CResolv", linkerSettings: [.linkedLibrary("resolv")]),
        module("Resolver", ["CResolv", "UnixIO", "Control", "MailModel"]),
        library("CPCRE2", pkgConfig: "libpcre2-8", "libpcre2-dev"),
        module("Patterns", ["CPCRE2", "MailModel", "UnixIO"]),
        .target(name: "CSPF2", linkerSettings: [.linkedLibrary("spf2")]),
        module("SenderPolicy", ["CSPF2", "Resolver", "MailModel", "UnixIO", "Control"]),
        library("CClamAV", pkgConfig: "libclamav", "libclamav-dev"),
        module("Scanning", ["MailModel", "UnixIO", "Control"]),
        module("VirusScanner", ["CClamAV", "Scanning", "MailModel", "UnixIO"]),
        module("Quarantine", ["MailModel", "UnixIO"]),
        library("CJSON", pkgConfig: "json-c", "libjson-c-dev"),
        module("JSONText", ["CJSON"]),
        library("CHTTPParser", "libhttp-parser-dev"),
        module("HTTP", ["CHTTPParser"]),
        module(
            "SpamScoring", ["HTTP", "JSONText", "Resolver", "MailModel", "UnixIO", "Control"]),
        library("CGMimeLibrary", pkgConfig: "gmime-3.0", "libgmime-3.0-dev"),
        .target(name: "CGMime", dependencies: ["CGMimeLibrary"]),
        module("MessageStructure", ["CGMime", "MailModel", "UnixIO"]),
        .target(name: "CLMDB", linkerSettings: [.linkedLibrary("lmdb")]),
        library("CHiredis", "libhiredis-dev"),
        module("Counters", ["CLMDB", "CHiredis", "MailModel", "UnixIO"]),
        module("Recipients", ["Control", "MailModel", "UnixIO"]),
        module("SQL", ["MailModel", "UnixIO"]),
        library("CSQLite", pkgConfig: "sqlite3", "libsqlite3-dev"),
        module("SQLite", ["CSQLite", "SQL", "MailModel", "UnixIO"]),
        library("CPostgreSQL", pkgConfig: "libpq", "libpq-dev"),
        module("PostgreSQL", ["CPostgreSQL", "SQL", "MailModel", "UnixIO"]),
        library("CGSASL", pkgConfig: "libgsasl", "libgsasl-dev"),
        module("SASL", ["CGSASL", "MailModel"]),
        module("AuthProtocol", ["MailModel", "UnixIO", "Workers"]),
        .target(
            name: "CPasswords",
            linkerSettings: [.linkedLibrary("crypt")]),
        module("Passwords", ["CPasswords", "COpenSSL", "SASL", "MailModel"]),
        module("Accounts", ["Passwords", "Recipients", "MailModel", "UnixIO", "Control"]),
        module(
            "Credentials",
            [
                "Accounts", "Passwords", "MailModel", "UnixIO", "Control", "Recipients", "SQL",
                "SQLite", "PostgreSQL",
            ]),
        .target(
            name: "COpenSSL", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        module("TLS", ["COpenSSL", "UnixIO", "Control", "MailModel", systemPackage]),
        .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),
        module("HTTPS", ["CCurl", "MailModel"]),
        module(
            "AuthCheck",
            [
                "AuthProtocol", "Credentials", "Passwords", "SASL", "CUnix", "MailModel", "UnixIO",
                "Workers", "Control",
            ]),

        // Filters and their chain.
        module("FilterKit", ["MailModel", "UnixIO", "Workers", "Control"]),
        module("FilterChain", ["MailModel", "UnixIO", "Workers", "Control"]),
        module("RegexRules", ["FilterKit", "Patterns", "MailModel", "UnixIO", "Control"]),
        filter("regex-filter", ["RegexRules"]),
        filter(
            "regex-filter-full", ["RegexRules", "MessageStructure"], linker: hasStaticRuntime),
        filter("spf-check", ["SenderPolicy", "Resolver"]),
        filter("throttle", ["Counters", "Resolver"]),
        module(
            "RecipientValidation",
            [
                "FilterKit", "MailModel", "UnixIO", "Control", "Recipients", "SQL", "SQLite",
                "Resolver", "SMTPProtocol", "Callout",
            ]),
        filter("rcpt-validate", ["RecipientValidation", "Recipients"]),
        filter(
            "rcpt-validate-full", ["RecipientValidation", "Recipients", "SQL", "PostgreSQL"],
            linker: hasStaticRuntime),
        filter("virus-scan", ["Scanning", "Quarantine"]),
        filter(
            "virus-scan-full", ["VirusScanner", "Scanning", "Quarantine"], linker: hasStaticRuntime),
        filter("spam-check", ["SpamScoring", "Resolver"]),
        module("MilterProtocol", ["MailModel"]),
        filter("milter-filter", ["MilterProtocol", "SMTPProtocol"]),
        .target(name: "CMilter", linkerSettings: [.linkedLibrary("milter")]),
        module(
            "MilterServer",
            [
                "CMilter", "FilterChain", "SMTPProtocol", "MailModel", "UnixIO", "Workers",
                "Control",
            ]),
        program("milter-chain", ["MilterServer", "FilterChain", "Workers"]),
        filter("spp-bridge", []),
        program(
            "filter-chain",
            ["FilterChain", "MailQueue", "Relaying", "SMTPClient", "SMTPProtocol", "Workers"]),

        // The engine.
        module("SMTPProtocol", ["MailModel"]),
        module("MailQueue", ["MailModel", "UnixIO", "Workers", "Control"]),
        module("Injection", ["MailModel", "UnixIO", "Control", "MailQueue"]),
        module("SMTPClient", ["MailModel", "UnixIO", "SMTPProtocol"]),
        module("Relaying", ["MailModel", "UnixIO", "Control", "SMTPProtocol", "SMTPClient"]),
        module(
            "Callout",
            ["MailModel", "UnixIO", "Control", "Resolver", "SMTPProtocol", "SMTPClient"]),
        module(
            "Delivery",
            [
                "MailModel", "UnixIO", "Workers", "Control", "Resolver", "Recipients",
                "SMTPClient", "SMTPProtocol", "MailQueue",
            ]),
        module(
            "TransportSecurity",
            [
                "MailModel", "UnixIO", "Control", "Resolver", "SMTPClient", "SMTPProtocol", "TLS",
                "Delivery",
            ]),
        module(
            "SMTPServer",
            [
                "MailModel", "UnixIO", "Workers", "Control", "Recipients", "SMTPProtocol",
                "FilterChain", "MailQueue", "AuthProtocol", "Resolver", "TLS", "Relaying",
                "SMTPClient",
            ]),
        program("queue-message", ["MailQueue", "Workers"]),
        program("mail-inject", ["Injection", "MailQueue"]),
        program("queue-manager", ["MailQueue", "Delivery", "Workers"]),
        program("deliver-local", ["Delivery", "Workers"]),
        program("deliver-remote", ["Delivery", "TransportSecurity", "Workers"]),
        program("sts-fetch", ["HTTPS", "Resolver"], linker: hasStaticRuntime),
        program("auth-check", ["AuthCheck"], linker: hasStaticRuntime),
        program("smtp-server", ["SMTPServer", "Workers"]),
        program("mail-server", ["Workers", "FilterChain"]),
        program(
            "chainmail",
            [
                "MailQueue", "Quarantine", "Recipients", "Workers", "Accounts", "Passwords",
                arguments,
            ],
            linker: hasStaticFoundation),

        // What tests and the demo need.
        program("zone-server", ["Resolver"]),
        .target(
            name: "TestSupport", dependencies: ["MailModel", "UnixIO"], path: "Tests/TestSupport",
            swiftSettings: strict),
        .executableTarget(
            name: "pool-example", dependencies: ["MailModel", "UnixIO", "Workers"],
            path: "Tests/Support/pool-example", swiftSettings: strict),
        tests("MailModel", ["MailModel"]),
        tests("UnixIO", ["UnixIO", "TestSupport"]),
        tests("Workers", ["Workers", "UnixIO", "MailModel", "TestSupport", "pool-example"]),
        tests("SMTPProtocol", ["SMTPProtocol", "MailModel"]),
        tests(
            "MilterProtocol",
            ["MilterProtocol", "MailModel", "UnixIO", "Workers", "TestSupport", "milter-filter"]),
        tests(
            "SMTPServer",
            [
                "SMTPServer", "SMTPProtocol", "Control", "MailModel", "TLS", "UnixIO",
                "TestSupport", "smtp-server", "queue-message", "auth-check",
                "zone-server", "MailQueue",
            ]),
        tests("Control", ["Control", "MailModel", "TestSupport"]),
        .executableTarget(
            name: "queue-example", dependencies: ["MailModel", "MailQueue", "UnixIO", "Workers"],
            path: "Tests/Support/queue-example", swiftSettings: strict),
        .executableTarget(
            name: "counters-example", dependencies: ["Counters", "MailModel", "UnixIO", "Workers"],
            path: "Tests/Support/counters-example", swiftSettings: strict),
        tests(
            "Counters",
            [
                "Counters", "MailModel", "UnixIO", "Workers", "TestSupport", "counters-example",
                "throttle", "zone-server",
            ]),
        tests(
            "VirusScanner",
            [
                "VirusScanner", "Scanning", "MailModel", "UnixIO", "Workers", "TestSupport",
                "virus-scan", "virus-scan-full", "chainmail", "queue-message",
            ]),
        tests("Scanning", ["Scanning", "UnixIO", "TestSupport"]),
        tests("JSONText", ["JSONText"]),
        tests("HTTP", ["HTTP"]),
        tests(
            "SpamScoring",
            [
                "SpamScoring", "Resolver", "Control", "MailModel", "UnixIO", "TestSupport",
                "spam-check", "mail-server", "smtp-server", "queue-message", "queue-manager",
                "deliver-local", "zone-server",
            ]),
        tests("Quarantine", ["Quarantine", "MailModel", "UnixIO", "TestSupport"]),
        tests("Resolver", ["Resolver", "Control", "MailModel", "TestSupport", "zone-server"]),
        tests(
            "SenderPolicy",
            ["SenderPolicy", "Resolver", "Control", "MailModel", "TestSupport", "zone-server"]),
        tests("TLS", ["TLS", "Control", "UnixIO", "TestSupport"]),
        tests(
            "Credentials",
            [
                "Credentials", "Accounts", "Passwords", "Control", "MailModel", "UnixIO",
                "TestSupport", "chainmail",
            ]),
        tests("SQL", ["SQL"]),
        tests("SQLite", ["SQLite", "SQL", "UnixIO", "TestSupport"]),
        .target(
            name: "SASLTestClient", dependencies: ["CGSASL"], path: "Tests/SASLTestClient",
            swiftSettings: strict),
        tests("SASL", ["SASL", "SASLTestClient", "CGSASL", "MailModel"]),
        tests(
            "AuthCheck",
            [
                "AuthCheck", "AuthProtocol", "CGSASL", "MailModel", "UnixIO", "Workers",
                "SASLTestClient", "TestSupport", "auth-check",
            ]),
        tests("PostgreSQL", ["PostgreSQL", "SQL", "UnixIO", "TestSupport"]),
        tests(
            "Callout",
            [
                "Callout", "Control", "MailModel", "Resolver", "SMTPProtocol", "UnixIO",
                "TestSupport", "zone-server",
            ]),
        tests(
            "RecipientValidation",
            [
                "RecipientValidation", "Recipients", "SQL", "Control", "MailModel", "Resolver",
                "UnixIO", "Workers", "TestSupport", "rcpt-validate", "rcpt-validate-full",
                "virus-scan-full", "zone-server",
            ]),
        tests(
            "Recipients",
            [
                "Recipients", "Control", "MailModel", "UnixIO", "TestSupport", "rcpt-validate",
                "chainmail",
            ]),
        tests(
            "SMTPClient",
            ["SMTPClient", "SMTPProtocol", "MailModel", "UnixIO", "TestSupport"]),
        tests(
            "Delivery",
            [
                "Delivery", "Control", "Recipients", "Resolver", "MailQueue", "SMTPClient",
                "Workers",
                "MailModel", "UnixIO", "TestSupport", "deliver-local", "deliver-remote",
                "queue-message", "queue-manager", "zone-server",
            ]),
        tests(
            "MailQueue",
            [
                "MailQueue", "MailModel", "UnixIO", "Control", "Workers", "TestSupport",
                "queue-message", "queue-manager", "mail-server", "smtp-server", "deliver-local",
                "chainmail",
                "deliver-remote", "zone-server",
            ]),
        tests(
            "Injection",
            [
                "Injection", "MailQueue", "MailModel", "UnixIO", "Control", "TestSupport",
                "mail-inject", "filter-chain", "queue-message", "smtp-server",
            ]),
        tests(
            "TransportSecurity",
            [
                "TransportSecurity", "Delivery", "TLS", "Control", "Resolver", "SMTPClient",
                "MailModel", "UnixIO", "TestSupport", "zone-server", "sts-fetch", "deliver-remote",
            ]),
        tests(
            "MilterServer",
            [
                "MilterServer", "MilterProtocol", "MailModel", "UnixIO", "TestSupport",
                "milter-chain", "regex-filter", "regex-filter-full", "throttle",
            ]),
        tests("Layer", ["MailModel", "TestSupport"]),
        tests(
            "Interop",
            [
                "TestSupport", "UnixIO", "MailModel", "Control", "FilterChain", "chainmail",
                "deliver-local", "deliver-remote", "filter-chain", "mail-inject", "mail-server",
                "milter-chain", "milter-filter", "queue-manager", "queue-message", "regex-filter",
                "regex-filter-full", "smtp-server", "spam-check", "throttle", "virus-scan",
                "virus-scan-full", "zone-server",
            ]),
        .executableTarget(name: "seam-probe", path: "Tests/Support/seam-probe"),
        tests("System", ["MailModel", "TestSupport", "UnixIO", "seam-probe"]),
        tests("Patterns", ["Patterns", "UnixIO"]),
        tests("MessageStructure", ["MessageStructure", "UnixIO"]),
        tests("RegexRules", ["RegexRules", "Patterns", "UnixIO", "TestSupport"]),
        tests(
            "FilterKit",
            [
                "FilterKit", "MailModel", "UnixIO", "Workers", "TestSupport", "regex-filter",
                "regex-filter-full",
            ]),
        tests(
            "FilterChain",
            [
                "FilterChain", "Control", "MailModel", "UnixIO", "Workers", "TestSupport",
                "filter-chain", "queue-message", "regex-filter", "regex-filter-full", "spp-bridge",
            ]),
        tests(
            "Damage",
            [
                "TestSupport", "MailModel", "UnixIO", "Workers", "regex-filter", "spf-check",
                "throttle", "rcpt-validate", "virus-scan", "virus-scan-full", "zone-server",
            ]),
        tests(
            "Transcript",
            [
                "TestSupport", "MailModel", "UnixIO", "Workers", "regex-filter",
                "regex-filter-full", "spam-check", "spf-check", "throttle", "rcpt-validate",
                "rcpt-validate-full",
                "virus-scan",
                "virus-scan-full", "filter-chain", "spp-bridge",
                "virus-scan-full", "zone-server",
            ]),
    ]
)
