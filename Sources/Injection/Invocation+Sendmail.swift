// Invocation+Sendmail: sendmail's options, as the programs that call it know them.
// sendmail(8) of Sendmail and of Postfix.
// SPDX-License-Identifier: MIT

import MailModel

/// Options that mean something here, and those that never did or not any more.
private enum SendmailOption {
    /// `-X`, which may be followed by others.
    static let flags = Set("GUcimntv".utf8)
    /// `-X value` or `-Xvalue`.
    static let withValue = Set("BCDFLMNORVXfhorp".utf8)
    /// `-Xvalue` or nothing.
    static let withAttachedValue = Set("AIbdeqs".utf8)
}

extension Invocation {
    /// Reads sendmail's command line. `program` is the name that it was called by: mailq and
    /// newaliases are sendmail with `-bp` and `-bi`.
    /// - Throws: `InjectionError.usage`.
    public init(sendmail arguments: [[UInt8]], program: String) throws(InjectionError) {
        var line = SendmailLine(program)
        var rest = arguments[...]
        while let word = rest.popFirst() {
            if word == [0x2D, 0x2D] {
                line.request.arguments += rest
                break
            }
            guard word.first == 0x2D, word.count > 1 else {
                line.request.arguments.append(word)
                continue
            }
            try line.take(word, &rest)
        }
        self = try line.invocation
    }
}

/// The command line so far.
private struct SendmailLine {
    var request = InjectionRequest()
    private var mode: Invocation?
    private var takesHeader = false

    init(_ program: String) {
        request.endsAtDot = true
        switch program {
        case "mailq": mode = .list
        case "newaliases": mode = .aliases
        default: break
        }
    }

    var invocation: Invocation {
        get throws(InjectionError) {
            if let mode { return mode }
            guard takesHeader || !request.arguments.isEmpty else {
                throw .usage("no recipient: name them, or take them from the header with -t")
            }
            var request = request
            request.recipients = takesHeader ? .both : .arguments
            return .message(request)
        }
    }

    /// Takes a word that begins with a hyphen, and its value from those that follow.
    mutating func take(
        _ word: [UInt8], _ rest: inout ArraySlice<[UInt8]>
    ) throws(InjectionError) {
        var letters = word.dropFirst()
        while let letter = letters.popFirst() {
            if SendmailOption.flags.contains(letter) {
                flag(letter)
            } else if SendmailOption.withValue.contains(letter) {
                let name = "-\([letter].printable)"
                guard let value = letters.isEmpty ? rest.popFirst() : Array(letters) else {
                    throw .usage("\(name) needs a value")
                }
                return try take(letter, value, name)
            } else if SendmailOption.withAttachedValue.contains(letter) {
                // -b s is written, too.
                let isApart = letter == 0x62 && letters.isEmpty
                return try take(attached: letter, isApart ? rest.popFirst() ?? [] : Array(letters))
            } else {
                throw .usage("no option \(word.printable); see --help")
            }
        }
    }

    private mutating func flag(_ letter: UInt8) {
        switch letter {
        case 0x69: request.endsAtDot = false
        case 0x74: takesHeader = true
        // -G, -U, -c, -m, -n, -v change nothing.
        default: break
        }
    }

    private mutating func take(
        _ letter: UInt8, _ value: [UInt8], _ name: String
    ) throws(InjectionError) {
        let bad = InjectionError.usage("\(name) \(value.printable): not a value of it")
        switch letter {
        case 0x66, 0x72: request.sender = value
        case 0x46: request.fullName = value
        case 0x6F where value == [0x69]: request.endsAtDot = false
        case 0x4E:
            guard let notify = Notify(value) else { throw bad }
            request.notify = notify
        case 0x52:
            guard let ret = ReturnedContent(value) else { throw bad }
            request.ret = ret
        case 0x56:
            guard let envid = EnvelopeID(value) ?? EnvelopeID(XText.encoded(value)) else {
                throw bad
            }
            request.envid = envid
        // The type of the body is looked for in the body.
        case 0x42: guard BodyType(value) != nil else { throw bad }
        // Of -C, -D, -L, -M, -O, -X, -h, -o, -p nothing is taken.
        default: break
        }
    }

    private mutating func take(attached letter: UInt8, _ value: [UInt8]) throws(InjectionError) {
        switch letter {
        case 0x49: mode = .aliases
        case 0x71: mode = .flush
        case 0x62:
            switch String(decoding: value, as: UTF8.self) {
            case "m": mode = nil
            case "s": mode = .session
            case "p": mode = .list
            case "i": mode = .aliases
            default:
                throw .usage(
                    "-b\(value.printable) is not done here: mail-server(8) receives mail, and "
                        + "chainmail(1) looks after it")
            }
        // Of -A, -d, -e, -s nothing is taken.
        default: break
        }
    }
}
