import Testing

@testable import MailQueue

@Suite struct MailDateTests {
    @Test(arguments: [
        (0, "1 Jan 1970 00:00:00 -0000"), (951_782_400, "29 Feb 2000 00:00:00 -0000"),
        (951_868_799, "29 Feb 2000 23:59:59 -0000"), (951_868_800, "1 Mar 2000 00:00:00 -0000"),
        (1_709_164_800, "29 Feb 2024 00:00:00 -0000"),
        (1_795_472_000, "23 Nov 2026 22:13:20 -0000"),
        (4_107_542_400, "1 Mar 2100 00:00:00 -0000"), (-1, "1 Jan 1970 00:00:00 -0000"),
        (253_402_300_799, "31 Dec 9999 23:59:59 -0000"), (Int.max, "31 Dec 9999 23:59:59 -0000"),
    ])
    func `moments print as qmail prints them`(seconds: Int, text: String) {
        #expect(MailDate(seconds: seconds).description == text)
    }
}
