// ClamdReply: what clamd says of one scan.
// clamd(8), section COMMANDS.
// SPDX-License-Identifier: MIT

import MailModel

/// One whole reply, or nothing: what is cut short or has another form is none.
enum ClamdReply: Hashable {
    case clean
    case found(String)
    /// The stream was longer than clamd takes.
    case tooLarge
    /// The command, or the descriptor that came with it, was not taken.
    case refused
    case error(String)

    /// The most bytes of a reply.
    static let limit = 4096

    /// Reads a reply with the NUL that ends it, to a command whose replies begin with this word.
    init?(_ bytes: [UInt8], to subject: String) {
        guard bytes.last == 0, bytes.firstIndex(of: 0) == bytes.count - 1 else { return nil }
        let text = String(decoding: bytes.dropLast(), as: UTF8.self)
        switch text {
        case "UNKNOWN COMMAND", "No file descriptor received. ERROR": self = .refused
        case "INSTREAM size limit exceeded. ERROR": self = .tooLarge
        default: self.init(text, about: subject)
        }
    }

    /// `stream: NAME FOUND`, `fd[10]: OK`.
    private init?(_ text: String, about subject: String) {
        guard let colon = text.utf8.firstIndex(of: 0x3A), text.hasPrefix(subject) else {
            return nil
        }
        let number = text[..<colon].dropFirst(subject.count)
        let isNumber = number.hasPrefix("[") && number.hasSuffix("]")
        guard number.isEmpty || isNumber else { return nil }
        let words = text[colon...].dropFirst()
        guard words.hasPrefix(" ") else { return nil }
        let said = words.dropFirst()
        if said == "OK" {
            self = .clean
        } else if let name = said.without(suffix: " FOUND") {
            self = .found(name)
        } else if let what = said.without(suffix: " ERROR") {
            self = .error(what)
        } else {
            return nil
        }
    }
}

extension Substring {
    /// What is before a suffix; nil where there is no such end or nothing before it.
    fileprivate func without(suffix: String) -> String? {
        guard hasSuffix(suffix), utf8.count > suffix.utf8.count else { return nil }
        return String(dropLast(suffix.count))
    }
}
