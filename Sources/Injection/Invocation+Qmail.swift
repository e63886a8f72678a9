// Invocation+Qmail: qmail-inject's options.
// qmail-inject(8); getopt(3).
// SPDX-License-Identifier: MIT

import MailModel

extension Invocation {
    /// Reads qmail-inject's command line.
    /// - Throws: `InjectionError.usage`.
    public init(qmail arguments: [[UInt8]]) throws(InjectionError) {
        var request = InjectionRequest()
        var rest = arguments[...]
        while let word = rest.first, word.first == 0x2D, word.count > 1 {
            rest.removeFirst()
            if word == [0x2D, 0x2D] { break }
            var letters = word.dropFirst()
            while let letter = letters.popFirst() {
                switch letter {
                case 0x61: request.recipients = .arguments
                case 0x68: request.recipients = .header
                case 0x41: request.recipients = .either
                case 0x48: request.recipients = .both
                case 0x6E: request.isPrinted = true
                case 0x4E: request.isPrinted = false
                case 0x66:
                    guard let value = letters.isEmpty ? rest.popFirst() : Array(letters) else {
                        throw .usage("-f needs an address")
                    }
                    request.sender = value
                    letters = []
                default: throw .usage("no option \(word.printable); see --help")
                }
            }
        }
        request.arguments = Array(rest)
        self = .message(request)
    }
}
