// Policies of MTA-STS as text, and as they are kept.
// RFC 8461, section 3.
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing
import UnixIO

@testable import TransportSecurity

@Suite struct STSPolicyTests {
    private func policy(_ text: String) throws -> STSPolicy { try STSPolicy(Array(text.utf8)) }

    @Test func `a policy is read`() throws {
        let policy = try policy(
            "version: STSv1\r\nmode: enforce\r\nmx: MX1.y.test\r\nmx:*.y.test\r\nmax_age:  60 \r\n")
        #expect(policy.mode == .enforce)
        #expect(policy.patterns == ["mx1.y.test", "*.y.test"])
        #expect(policy.maximumAge == 60)
    }

    @Test(arguments: [
        "version: STSv1\nmode: testing\nmx: a.test\nmax_age: 1",
        "version: STSv1\nmode: testing\nmode: enforce\nmx: a.test\nmax_age: 1\nmax_age: x\n",
        "mode: testing\nother: x\nversion: STSv1\nmx: a.test\nmax_age: 1\n\n",
    ])
    func `order, unknown fields and second fields change nothing`(_ text: String) throws {
        #expect(try policy(text).mode == .testing)
        #expect(try policy(text).maximumAge == 1)
    }

    @Test(arguments: [
        "", "version: STSv2\nmode: none\nmax_age: 1", "mode: none\nmax_age: 1",
        "version: STSv1\nmode: none", "version: STSv1\nmax_age: 1",
        "version: STSv1\nmode: none\nmax_age: -1",
        "version: STSv1\nmode: none\nmax_age: 99999999999",
        "version: STSv1\nmode: enforce\nmax_age: 1", "version: STSv1\nmode none\nmax_age: 1",
        "version: STSv1\nmode: enforce\nmx: a_b..c\nmax_age: 1",
        "version: STSv1\nmode: enforce\nmx: *.*.c\nmax_age: 1",
        "version: STSv1\nmode: none\nmax_age: 99999999999999999999999999",
    ])
    func `what is no policy is refused`(_ text: String) {
        #expect(throws: STSError.self) { try policy(text) }
    }

    @Test func `no policy holds for longer than a year`() throws {
        #expect(
            try policy("version: STSv1\nmode: none\nmax_age: 9999999999").maximumAge
                == 31_557_600)
    }

    @Test(arguments: [
        ("mx.y.test", "mx.y.test", true), ("mx.y.test", "MX.Y.test", true),
        ("mx.y.test", "a.mx.y.test", false), ("*.y.test", "mx.y.test", true),
        ("*.y.test", "a.mx.y.test", false), ("*.y.test", "y.test", false),
        ("*.y.test", "xy.test", false),
    ])
    func `a star stands for one label`(_ pattern: String, _ host: String, _ fits: Bool) throws {
        let policy = try policy("version: STSv1\nmode: enforce\nmx: \(pattern)\nmax_age: 1")
        #expect(policy.allows(host) == fits)
    }

    @Test(arguments: [
        (["v=STSv1; id=20160831085700Z;"], "20160831085700Z"), (["v=STSv1;id=a"], "a"),
        (["v=spf1", "v=STSv1; x=1; id=a"], "a"), ([], nil), (["v=STSv1; id=;"], nil),
        (["v=STSv1; id=a-b;"], nil), (["v=STSv1; id=a", "v=STSv1; id=b"], nil),
        (["v=STSv1 ; id=a"], nil), (["v=STSv1; id=\(String(repeating: "a", count: 33))"], nil),
    ])
    func `one record announces`(_ records: [String], _ id: String?) {
        #expect(STSPolicy.announced(records.map { Array($0.utf8) }) == id)
    }

    @Test func `what is kept is found again, and damage is as good as nothing`() throws {
        let folder = try TestFolder()
        let store = STSStore(folder: folder.file("a/b"))
        #expect(store.record(of: "y.test") == nil)
        let record = STSRecord(
            id: "1", fetched: 5, failed: 7, text: Array("version: STSv1\n\nx".utf8))
        try store.keep(record, of: "y.test")
        #expect(store.record(of: "y.test") == record)
        #expect(folder.names(in: "a/b") == ["y.test"])
        try store.keep(STSRecord(failed: 9), of: "y.test")
        #expect(store.record(of: "y.test") == STSRecord(failed: 9))
        for text in ["", "x", "chainmail-mta-sts 1\n", "chainmail-mta-sts 1\nid\n\n", "\0\0"] {
            try folder.write("a/b/z.test", text)
            #expect(store.record(of: "z.test") == nil)
        }
    }

    @Test func `a policy holds for its time, whatever the clock was when it came`() throws {
        let text = Array("version: STSv1\nmode: none\nmax_age: 10".utf8)
        #expect(STSRecord(fetched: 100, text: text).policy(at: 109) != nil)
        #expect(STSRecord(fetched: 100, text: text).policy(at: 110) == nil)
        #expect(STSRecord(fetched: 100, text: text).policy(at: 50) != nil)
        #expect(STSRecord(fetched: .max, text: text).policy(at: 50) == nil)
        #expect(STSRecord(fetched: 100, text: []).policy(at: 101) == nil)
    }

    @Test func `files that nobody has written for a year go`() throws {
        let folder = try TestFolder()
        let store = STSStore(folder: folder.path)
        let (now, day) = (WallClock.seconds, 86_400)
        for (name, age) in [
            ("new.test", 300 * day), ("old.test", 370 * day), (".new.1", 2 * day),
            (".new.2", day / 2),
        ] {
            let path = try folder.write(name, "")
            var times = [timeval](repeating: timeval(tv_sec: now - age, tv_usec: 0), count: 2)
            #expect(utimes(path, &times) == 0)
        }
        store.tidy(now: now)
        #expect(Set(folder.names()) == ["new.test", ".new.2"])
    }
}
