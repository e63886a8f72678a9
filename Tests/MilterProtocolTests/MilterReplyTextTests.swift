import MailModel
import MilterProtocol
import Testing

@Suite struct MilterReplyTextTests {
    private static let texts: [(text: String, reply: String?)] = [
        ("550 5.7.1 No", "550 5.7.1 No"), ("451 4.7.1 Later", "451 4.7.1 Later"),
        ("550 No", "550 5.0.0 No"), ("550 4.7.1 No", "550 5.0.0 No"), ("550", "550 5.0.0 refused"),
        ("550 5.7.1", "550 5.7.1 refused"), ("550 5.7.1 100%% sure", "550 5.7.1 100% sure"),
        ("550 5.7.1 50% off", "550 5.7.1 50 off"),
        ("550-5.7.1 One\r\n550 5.7.1 two", "550 5.7.1 One two"),
        ("550-One\r\n550 5.7.1 two", "550 5.7.1 One two"), ("421 4.3.2 Bye", "421 4.3.2 Bye"),
        ("550-One\r\n551 two", nil), ("250 2.0.0 Fine", nil), ("599 x", "599 5.0.0 x"),
        ("600 x", nil), ("55", nil), ("", nil), ("abc", nil), ("5500 x", nil), ("550x", nil),
        ("550 5.7.1 a\u{7}b", "550 5.7.1 a?b"),
    ]

    @Test(arguments: texts)
    func `a reply of SMTP is read as Postfix reads it`(text: String, reply: String?) {
        #expect(Reply(milterText: Array(text.utf8))?.description == reply)
    }
}
