import Control
import MailModel
import Testing

@Suite struct OptionsTests {
    private let usage = Usage(
        "some-filter", "Does something.", operands: "[-- next [argument ...]]",
        [
            .flag("check", "look only"),
            .value("timeout", "DURATION", "how long"),
            .values("reject", "RESULT", "what to reject"),
            .value("workers", "MIN-MAX", "how many"),
            .root,
        ])

    private func parse(_ words: String...) throws -> Options {
        try usage.parse(words.map { Array($0.utf8) })
    }

    private func message(_ words: String...) -> String? {
        do {
            _ = try usage.parse(words.map { Array($0.utf8) })
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `values come after a blank or an equals sign`() throws {
        let options = try parse("--check", "--timeout=5s", "--reject", "fail", "--reject=soft=x")
        #expect(options.has("check"))
        #expect(try options.duration("timeout") == .seconds(5))
        #expect(options.all("reject") == ["fail", "soft=x"])
        #expect(options.trailing == nil)
    }

    @Test func `a value may look like an option`() throws {
        #expect(try parse("--reject", "--check").all("reject") == ["--check"])
    }

    @Test func `what follows two hyphens is the next program's`() throws {
        let options = try parse("--check", "--", "next", "--timeout", "--")
        #expect(options.trailing == ["next", "--timeout", "--"])
        #expect(try parse("--").trailing == [])
    }

    @Test func `values are bytes`() throws {
        let options = try usage.parse([Array("--reject=".utf8) + [0xFF, 0x00, 0x80]])
        #expect(options.bytes("reject") == [0xFF, 0x00, 0x80])
    }

    @Test func `a typo names the option and the nearest that is one`() {
        #expect(message("--chek") == "no option --chek; did you mean --check?")
        #expect(message("--rejects=fail") == "no option --rejects; did you mean --reject?")
        #expect(message("--zzzzzzzz") == "no option --zzzzzzzz; see --help")
        #expect(message("-check") == "no option -check; did you mean --check?")
    }

    @Test func `each misuse has its own line`() {
        #expect(message("--timeout") == "--timeout needs a value")
        #expect(message("--check=yes") == "--check takes no value")
        #expect(message("--timeout=1s", "--timeout=2s") == "--timeout was given twice")
        #expect(message("file") == "no operand is expected: file")
    }

    @Test func `a value of the wrong form names option, value and form`() throws {
        let options = try parse("--timeout", "soon")
        #expect(throws: UsageError.self) { try options.duration("timeout") }
    }

    @Test(arguments: [("4", 4...4), ("2-32", 2...32)])
    func `bounds are one number or two`(text: String, range: ClosedRange<Int>) throws {
        #expect(try parse("--workers", text).range("workers") == range)
    }

    @Test(arguments: ["", "-", "3-2", "0-4", "1-", "-1", "1-2-3", "1001"])
    func `what are no bounds is an error`(text: String) throws {
        let options = try parse("--workers", text)
        #expect(throws: UsageError.self) { try options.range("workers") }
    }

    @Test func `the help names every option`() {
        for name in ["--check", "--timeout DURATION", "--reject RESULT ...", "--version"] {
            #expect(usage.help.contains("  \(name) "))
        }
        #expect(usage.help.hasPrefix("usage: some-filter [options] [-- next [argument ...]]\n"))
    }

    @Test func `a root makes every folder its own`() throws {
        let root = Root(try parse("--root", "/some/where/"))
        #expect(root.configuration == "/some/where/etc")
        #expect(root.control.path == "/some/where/etc/control")
        #expect(root.filterSocket("30-spf-check") == "/some/where/run/filters/30-spf-check")
        #expect(root.arguments == ["--root", "/some/where"])
        #expect(Root(nil).spool == "/var/spool/chainmail")
        #expect(Root("var").folder?.hasPrefix("/") == true)
    }
}

@Suite struct QuantityTests {
    @Test(arguments: [
        ("100ms", Duration.milliseconds(100)), ("20s", .seconds(20)), ("5m", .seconds(300)),
        ("1h", .seconds(3600)), ("7d", .seconds(604_800)), ("0s", .zero),
    ])
    func `durations have units`(text: String, duration: Duration) {
        #expect(Quantity.duration(text) == duration)
    }

    @Test(arguments: ["", "20", "s", "-5s", "1.5h", "5 s", "5S", "9223372036854775807d", "5sec"])
    func `what is no duration is refused`(text: String) {
        #expect(Quantity.duration(text) == nil)
    }

    @Test(arguments: [("0", 0), ("64k", 65_536), ("100M", 104_857_600), ("1G", 1 << 30)])
    func `sizes count in 1024`(text: String, size: Int) {
        #expect(Quantity.bytes(text) == size)
    }

    @Test(arguments: ["", "M", "-1", "1T", "9223372036854775807K", "1 M"])
    func `what is no size is refused`(text: String) {
        #expect(Quantity.bytes(text) == nil)
    }
}
