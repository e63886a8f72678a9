// Tests that no damage to a message makes a filter die, hang, or accept what it must refuse.
// SPDX-License-Identifier: MIT

import Foundation
import MailModel
import TestSupport
import Testing

@Suite(.serialized) struct DamageTests {
    /// A marker in a header field of its own, or anywhere.
    @Test func `regex-filter finds a field on top and bytes anywhere`() throws {
        let rules = """
            header:X-Damage /planted field/ reject 550 5.7.1 field
            raw /planted bytes/ reject 550 5.7.1 bytes

            """
        let fields = [
            "X-Damage: planted field\n", "x-damage:planted field\n",
            "X-DAMAGE : a planted field b\n",
            "X-Damage:\n\tplanted field\n", "Subject: x\nX-Damage: planted\n field\n",
        ]
        try DamagedRun(
            tool: "regex-filter", options: ["--rules", "rules"],
            files: [("rules", Array(rules.utf8))], deferred: 50
        ) { damage, damaged in
            if damage.random.below(2) == 0 {
                damaged.message.insert(contentsOf: damage.random.pick(fields).utf8, at: 0)
            } else {
                let place = damage.random.below(damaged.message.count + 1)
                damaged.message.insert(contentsOf: "planted bytes".utf8, at: place)
            }
        }.run()
    }

    /// A whole part behind a damaged one, which must not hide it.
    @Test func `regex-filter finds a file, a type and a text behind damaged parts`() throws {
        let rules = """
            attachment /^invoice\\.exe$/ reject 550 5.7.1 file
            type /^application\\/x-planted$/ reject 550 5.7.1 type
            body /planted words/ reject 550 5.7.1 text

            """
        let parts = [
            """
            Content-Type: application/octet-stream; name=invoice.exe
            Content-Transfer-Encoding: base64

            TVo=
            """,
            """
            Content-Type: application/octet-stream
            Content-Disposition: attachment; filename*0=invoi; filename*1=ce.exe

            MZ
            """,
            "Content-Type: Application/X-Planted\n\nx",
            """
            Content-Type: text/plain; charset=utf-8
            Content-Transfer-Encoding: base64

            cGxhbnRlZCB3b3Jkcw==
            """,
            """
            Content-Type: text/html
            Content-Transfer-Encoding: quoted-printable

            <p>plan<b></b>ted w=6Frds</p>
            """,
        ]
        try DamagedRun(
            tool: "regex-filter", options: ["--rules", "rules"],
            files: [("rules", Array(rules.utf8))], limit: 60_000, deferred: 50
        ) { damage, damaged in
            let top = "Content-Type: multipart/mixed; boundary=\"a-whole-one\"\n\n--a-whole-one\n"
            let end = "\n--a-whole-one\n\(damage.random.pick(parts))\n--a-whole-one--\n"
            damaged.message = Array(top.utf8) + damaged.message + Array(end.utf8)
        }.run()
    }

    @Test func `spf-check refuses a client whatever its address and message look like`() throws {
        let folder = try TestFolder()
        let zone = try Service.zone(
            "fail.test. TXT \"v=spf1 exp=why.fail.test -all\"\n", in: folder)
        try DamagedRun(tool: "spf-check", options: ["--resolver", zone.ready, "--header", "both"]) {
            damage, damaged in
            damaged.facts[.clientIP] = Array("192.0.2.1".utf8)
            damaged.facts[.helo] = Array("x".utf8) + damage.localPart()
            damaged.sender = damage.localPart() + Array("@fail.test".utf8)
        }.run()
    }

    @Test func `throttle holds to a limit that is used up`() throws {
        try DamagedRun(
            tool: "throttle",
            options: ["--store", "store", "--limit", "all messages 1/1d reject"],
            before: 1
        ) { damage, damaged in
            damaged.facts[.helo] = damage.localPart()
            damaged.sender = damage.localPart() + Array("@example.org".utf8)
            damaged.recipient = damage.localPart() + Array("@example.test".utf8)
        }.run()
    }

    @Test func `rcpt-validate refuses a mailbox that is not there`() throws {
        try DamagedRun(
            tool: "rcpt-validate", options: ["--source", "file:mailboxes"],
            files: [("mailboxes", Array("bob@example.test\n".utf8))]
        ) { damage, damaged in
            let domain = damage.random.pick(["@example.test", "@EXAMPLE.Test"])
            let name = damage.random.pick(["unknown", "bobx", ""])
            damaged.recipient = Array(name.utf8) + damage.localPart() + Array(domain.utf8)
        }.run()
    }

    @Test func `virus-scan finds a signature in the bytes of a message`() throws {
        let signature = "a planted virus".utf8.map { String($0, radix: 16) }.joined()
        try DamagedRun(
            tool: "virus-scan", options: ["--database", "db"],
            files: [("db/test.ndb", Array("Test.Planted:0:*:\(signature)\n".utf8))], limit: 4_000,
            deferred: 50
        ) { damage, damaged in
            let place = damage.random.below(damaged.message.count + 1)
            damaged.message.insert(contentsOf: "a planted virus".utf8, at: place)
        }.run(also: 1_000)
    }

    /// A whole archive behind a damaged part, which must not hide it.
    @Test func `virus-scan finds a signature in an archive behind damaged parts`() throws {
        let signature = "a planted virus".utf8.map { String($0, radix: 16) }.joined()
        let archive = """
            Content-Type: application/zip; name=a.zip
            Content-Disposition: attachment; filename=a.zip
            Content-Transfer-Encoding: base64

            UEsDBBQAAAAIADyNel2oqwUXFwAAAHMAAAAFAAAAYS50eHSrqCAVJCoU5CTmlaSmKJRlFpUWV5IM
            AFBLAQIUAxQAAAAIADyNel2oqwUXFwAAAHMAAAAFAAAAAAAAAAAAAACAAQAAAABhLnR4dFBLBQYA
            AAAAAQABADMAAAA6AAAAAAA=
            """
        try DamagedRun(
            tool: "virus-scan", options: ["--database", "db"],
            files: [("db/test.ndb", Array("Test.Planted:0:*:\(signature)\n".utf8))], limit: 4_000,
            deferred: 50
        ) { _, damaged in
            let top = "Content-Type: multipart/mixed; boundary=\"a-whole-one\"\n\n--a-whole-one\n"
            let end = "\n--a-whole-one\n\(archive)\n--a-whole-one--\n"
            damaged.message = Array(top.utf8) + damaged.message + Array(end.utf8)
        }.run(also: 1_000)
    }
}
