// Tests of what a filter does when the world around it is broken: its exit codes alone.
// filter-protocol(7), section EXIT STATUS.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

struct ExitCodeTests {
    private let folder: TestFolder
    private let filter: String

    init() throws {
        folder = try TestFolder()
        try folder.write("rules", "header:Subject /tag/ tag X-Tag: yes\n")
        try folder.write("message", "Subject: tag\n\nbody\n")
        // More than a pipe holds.
        try folder.write("large", "Subject: large\n\n\(String(repeating: "x\n", count: 100_000))")
        try folder.write("empty", "")
        try folder.write("envelope", "Fa@example.org\0Tb@example.test\0\0")
        filter = "regex-filter --rules rules"
    }

    /// Runs a line of shell in the folder.
    private func shell(_ line: String) throws -> ToolResult {
        var tool = try Tool("/bin/bash", ["-c", line])
        tool.folder = folder.path
        return try tool.run()
    }

    @Test(arguments: [
        // Descriptor 0 is closed, for writing only, or a folder.
        ("F <&- >/dev/null", 54), ("F 0>out >/dev/null", 54), ("F <. >/dev/null", 54),
        // Nobody can take the edited message.
        ("F <message >&-", 53), ("F <message >/dev/full", 53),
        // What does not fit into memory is no file with the number of a closed descriptor.
        ("(echo; seq 200000) | F >&-", 53), ("seq 200000 | F -- true 1<&-", 54),
        // A reader that goes away is no death by a signal.
        ("(F <large; echo $? >code) | true; exit $(cat code)", 53),
        // As a queue without a next program.
        ("F <message 1<envelope", 55), ("F <message 1<>envelope", 55),
        ("F <message 1</dev/null", 55),
        // The next program is not there, or is none.
        ("F -- nowhere <message 1<envelope", 55), ("F -- ./message <message 1<envelope", 55),
        ("F -- . <message 1<envelope", 55), ("F -- <message 1<envelope", 55),
        // The envelope cannot be read.
        ("F -- true <message 1<&-", 54), ("F -- true <message 1>out", 54),
        ("F -- true <message 1</dev/null", 54), ("F -- true <message 1<.", 54),
        // The next program's exit code is ours, and so is its death.
        ("F -- sh -c 'exit 77' <message 1<envelope", 77),
        ("F -- sh -c 'kill -9 $$' <message 1<envelope", 137),
        // The chain convention without what belongs to it.
        ("FILTER_STAGE=nonsense F <message", 55), ("FILTER_STAGE=message F <message", 55),
        ("FILTER_STAGE=message FILTER_VERDICT_FD=99 F <message 3<envelope", 53),
        ("FILTER_STAGE=message FILTER_VERDICT_FD=1 F <message 3<envelope", 55),
        ("FILTER_STAGE=message FILTER_VERDICT_FD=7 F <message 3<envelope 7>/dev/full", 53),
        ("FILTER_STAGE=message FILTER_VERDICT_FD=7 F <message 3<&- 7>record", 54),
        ("FILTER_STAGE=message FILTER_VERDICT_FD=7 F </dev/null 3<envelope 7>record", 54),
        ("FILTER_STAGE=connect FILTER_VERDICT_FD=7 F </dev/null 3</dev/null 7>record", 0),
        ("FILTER_STAGE=mail FILTER_VERDICT_FD=7 F </dev/null 3</dev/null 7>record", 54),
        // --as beats what is recognised.
        ("FILTER_STAGE=message F --as shell <message >/dev/null", 0), ("F --as chain <message", 55),
        ("F --as nonsense <message", 55), ("F --as qfilter <message", 55),
        // The convention of qmail-qfilter without what belongs to it.
        ("QMAILPPID=1 NUMRCPTS=1 F <message 3<envelope 4>&-", 55),
        ("QMAILPPID=1 NUMRCPTS=1 F <message 3<envelope 4</dev/null", 55),
        ("QMAILPPID=1 NUMRCPTS=1 F <message 3<envelope 4> >(cat)", 55),
        ("QMAILPPID=1 NUMRCPTS=1 F <message 3<envelope 4>new >/dev/full", 53),
        ("QMAILPPID=1 NUMRCPTS=1 F <message 3<envelope 4>new >&-", 53),
        ("QMAILPPID=1 NUMRCPTS=1 F <message 3<message 4>new >out", 91),
        ("QMAILPPID=1 NUMRCPTS=1 F <message 3<empty 4>new >out", 54),
        ("QMAILPPID=1 NUMRCPTS=1 F <. 3<envelope 4>new >out", 54),
        ("QMAILPPID=1 NUMRCPTS=1 F <message >/dev/null", 0),
        // Helping needs somebody to read it.
        ("F --help >/dev/full", 53), ("F --version >&-", 53),
    ])
    func `each trouble has its exit code`(line: String, code: Int32) throws {
        let result = try shell(line.replacing("F ", with: "\(filter) "))
        #expect(result.code == code, "\(result.errors)")
    }

    @Test func `an option that is wrong is seen before the message is read`()
        throws
    {
        let result = try shell("(\(filter) --on-limit never; cat) <message")
        #expect(result.text == "Subject: tag\n\nbody\n")
    }

    @Test func `what marks a convention is gone from the environment of the next program`() throws {
        let marks = "FILTER_STAGE=message FILTER_VERDICT_FD=9 QMAILPPID=1 NUMRCPTS=1 QMAILUSER=x"
        let seen = try shell(
            "\(marks) TCPREMOTEIP=192.0.2.1 \(filter) -- sh -c 'env >seen' <message 1<envelope; cat seen"
        )
        for mark in ["FILTER_", "QMAIL", "NUMRCPTS"] { #expect(!seen.text.contains(mark)) }
        #expect(seen.text.contains("TCPREMOTEIP=192.0.2.1"))
    }

    @Test func `what is handed on is read-only, whole, and at its beginning`() throws {
        let result = try shell(
            """
            \(filter) -- sh -c 'cat >m; cat <&1 >e; (echo x >&0) 2>/dev/null && echo written >w' \
            <message 1<envelope; cat m; [ -e w ] && echo written
            """)
        #expect(result.text == "X-Tag: yes\nSubject: tag\n\nbody\n")
        #expect(try folder.read("e") == folder.read("envelope"))
    }

    @Test func `a message that begins within its file is judged and handed on from there`() throws {
        try folder.write("message", "skipped\nSubject: x\n\nbody\n")
        let result = try shell(
            "(read line; \(filter) -- sh -c 'cat >m' 1<envelope) <message; cat m")
        #expect(result.text == "Subject: x\n\nbody\n")
    }

    @Test func `the next program gets its words byte for byte`() throws {
        let result = try shell(
            """
            word=$(printf 'a\\377b')
            \(filter) -- sh -c 'printf "%s|" "$0" "$@" >words' "$word" 'c d' '' -- <message 1<envelope
            cat words
            """)
        #expect(result.output == [0x61, 0xFF, 0x62] + Array("|c d||--|".utf8))
    }

    @Test func `a long message from a pipe is handed on whole`() throws {
        let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try folder.write("message", Array("Subject: x\n\n".utf8) + body)
        let result = try shell(
            "cat message | \(filter) -- sh -c 'cat >m' 1<envelope; cmp m message")
        #expect(result.code == 0, "\(result.errors)")
    }

    @Test func `filters can be chained by exec, and the process stays the same`() throws {
        let result = try shell(
            """
            echo 'header:X-Tag /yes/ remove X-Tag' >second
            sh -c 'echo $$ >pid; exec \(filter) -- regex-filter --rules second -- \
            sh -c "echo \\$\\$ >next; cat >m"' <message 1<envelope
            cmp pid next && cat m
            """)
        #expect(result.text == "Subject: tag\n\nbody\n")
    }

    @Test func `an accepted message that is killed on its way is not accepted`() throws {
        let result = try shell("\(filter) -- sh -c 'kill -TERM $$' <message 1<envelope")
        #expect(result.code != 0)
    }

    @Test func `all is done within 50,000 KiB of memory`() throws {
        let body = [UInt8](repeating: 0x61, count: 10_000_000)
        try folder.write("message", Array("Subject: tag\n\n".utf8) + body)
        try folder.write("rules", "raw /evil/ reject\nheader:Subject /tag/ tag X-Tag: yes\n")
        for input in ["<message", "", "-- sh -c 'wc -c >&2' <message 1<envelope"] {
            let feed = input.isEmpty ? "cat message | " : ""
            let result = try shell("ulimit -v 50000; \(feed)\(filter) \(input)")
            #expect(result.code == 0, "\(input): \(result.errors)")
        }
    }
}
