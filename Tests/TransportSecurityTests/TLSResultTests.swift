// Results of sessions, as they are counted.
// tls-results(5).
// SPDX-License-Identifier: MIT

import Foundation
import TestSupport
import Testing
import UnixIO

@testable import TransportSecurity

@Suite struct TLSResultTests {
    private static let sts = AppliedPolicy(kind: .sts, lines: ["version: STSv1", "mode: enforce"])

    private func failed(_ host: String) -> TLSResult {
        TLSResult(
            policy: Self.sts, failure: .certificateExpired, host: host, address: "192.0.2.1")
    }

    @Test func `counts are kept as the manual says`() throws {
        var counts = TLSResultCounts()
        counts.add(TLSResult(policy: Self.sts, host: "a.test", address: "192.0.2.1"))
        counts.add(TLSResult(policy: Self.sts, host: "b.test", address: "192.0.2.2"))
        counts.add(failed("a.test"))
        counts.add(TLSResult(policy: .none, failure: .startTLSNotSupported, host: "c.test"))
        let text = """
            chainmail-tls-results 1
            policy\tsts\tversion: STSv1
            policy\tsts\tmode: enforce
            count\t2\tsts\tsuccess\t-\t-
            count\t1\tsts\tcertificate-expired\ta.test\t192.0.2.1
            count\t1\tno-policy-found\tstarttls-not-supported\tc.test\t-

            """
        #expect(String(decoding: counts.text, as: UTF8.self) == text)
        #expect(TLSResultCounts(counts.text) == counts)
    }

    @Test func `10,000 hosts make no file of 10,000 lines`() {
        var counts = TLSResultCounts()
        for number in 0..<2000 { counts.add(failed("h\(number).test")) }
        let lines = counts.text.split(separator: 0x0A)
        #expect(lines.count == 1 + 2 + 1001)
        let last = String(decoding: lines.last ?? [], as: UTF8.self)
        #expect(last == "count\t1000\tsts\tcertificate-expired\t-\t-")
    }

    @Test func `what is no line of ours is left out`() {
        let counts = TLSResultCounts(Array("\0\0\ncount\tx\ta\tb\tc\td\npolicy\ncount\t1".utf8))
        #expect(counts == TLSResultCounts())
    }

    @Test func `many that count at a time lose nothing`() throws {
        let folder = try TestFolder()
        let store = TLSResultStore(folder: folder.path)
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for _ in 0..<50 { try? store.add(failed("a.test"), "y.test", now: 86_400 * 20_000) }
        }
        let text = String(decoding: try folder.read("2024-10-04/y.test"), as: UTF8.self)
        #expect(text.contains("count\t400\tsts\tcertificate-expired\ta.test"))
    }

    @Test func `days that are over for long go when a new one begins`() throws {
        let folder = try TestFolder()
        let store = TLSResultStore(folder: folder.path)
        for day in [20_000, 20_029, 20_031] {
            try store.add(failed("a.test"), "y.test", now: 86_400 * day)
        }
        #expect(folder.names().sorted() == ["2024-11-02", "2024-11-04"])
    }

    @Test(arguments: [(0, "1970-01-01"), (951_782_400, "2000-02-29"), (-5, "1970-01-01")])
    func `a day is one of UTC`(_ seconds: Int, _ day: String) {
        #expect(TLSResultStore.day(seconds) == day)
    }
}
