import Testing

@testable import MessageStructure

@Suite struct VisibleTextTests {
    private static func visible(_ html: String, hides: Bool = true) -> String {
        String(decoding: VisibleText(of: Array(html.utf8), hides: hides).text, as: UTF8.self)
    }

    @Test(arguments: [
        ("a<b>b</b>c", "abc"),
        ("a<!-- x --!>b<!-->c<!--->d", "abcd"),
        ("a<!doctype x>b<?php x?>c</ x>d", "abcd"),
        ("a<p>b</p>c", "a\nb\nc"),
        ("a\r\n\t b", "a b"),
        ("<td>a</td><td>b</td>", "a b "),
        ("a<script>x</scriptx></script >b", "ab"),
        ("a<style>x</STYLE\n>b", "ab"),
        ("a<script>x", "a"),
        ("a<span title='>' x=\">\">b</span>", "ab"),
        ("a<x \">b", "ab"),
        ("a < b & c <", "a < b & c <"),
        ("a<b", "a"),
        ("&amp;&ampx&#65;&#x41&#65x&euro;&notit;", "&&xAAA\u{78}€¬it;"),
        ("&#128;&#0;&#xD800;&#99999999999;", "€\u{FFFD}\u{FFFD}"),
        ("&;&#;&#x;&nosuch;", "&;&#;&#x;&nosuch;"),
        ("&colon;&lpar;&NewLine;&fjlig;", ":( fj"),
        ("a\u{0}b", "ab"),
        ("a<i hidden style='display : NONE'>x<i>y</i>z</i>b", "ab"),
        ("a<br style=display:none>b", "a\nb"),
    ])
    func `a reader sees the text alone`(html: String, text: String) {
        #expect(VisibleTextTests.visible(html) == text)
    }

    @Test func `what is hidden can be seen as well`() {
        let html = "a<i style='font-size:0px'>x</i>b"
        #expect(VisibleTextTests.visible(html, hides: false) == "axb")
        #expect(VisibleText(of: Array(html.utf8), hides: false).hasHidden)
    }

    @Test func `half a megabyte of open tags takes no time to speak of`() {
        let html = [UInt8](repeating: 0x3C, count: 1 << 19)
        #expect(VisibleText(of: html, hides: true).text.count == 1 << 19)
        let deep = Array(String(repeating: "<b>", count: 1 << 17).utf8)
        #expect(VisibleText(of: deep, hides: true).text.isEmpty)
    }
}
