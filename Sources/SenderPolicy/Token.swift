// Token: what libspf2 sees where a record has a name.
// SPDX-License-Identifier: MIT

import MailModel

/// A place in a policy, written as a name that is ours alone: `2.5.term` is directive 5 of frame
/// 2, `2.5.3.term` its exchange 3.
struct Token: Hashable {
    enum Part: Hashable {
        /// Where a check begins.
        case first
        /// A directive that takes look-ups.
        case term(Int)
        /// Where directives begin that take none; asked about so that we know that libspf2 came
        /// so far.
        case run(Int)
        case redirect
    }

    let frame: Int
    let part: Part
    var exchange: Int?

    static let first = Token(frame: 0, part: .first)

    init(frame: Int, part: Part, exchange: Int? = nil) {
        self.frame = frame
        self.part = part
        self.exchange = exchange
    }

    /// Reads what `text` wrote; nil for anything else.
    init?(_ text: String) {
        let words = text.split(separator: ".").map(String.init)
        guard let kind = words.last, let frame = words.first.flatMap({ Int($0) }) else {
            return nil
        }
        let numbers = words.dropFirst().dropLast().compactMap { Int($0) }
        switch (kind, numbers.count) {
        case ("first", 0): self.init(frame: frame, part: .first)
        case ("redirect", 0): self.init(frame: frame, part: .redirect)
        case ("run", 1): self.init(frame: frame, part: .run(numbers[0]))
        case ("term", 1): self.init(frame: frame, part: .term(numbers[0]))
        case ("term", 2):
            self.init(frame: frame, part: .term(numbers[0]), exchange: numbers[1])
        default: return nil
        }
    }

    var text: String {
        switch part {
        case .first: "\(frame).first"
        case .redirect: "\(frame).redirect"
        case .run(let index): "\(frame).\(index).run"
        case .term(let index):
            exchange.map { "\(frame).\(index).\($0).term" } ?? "\(frame).\(index).term"
        }
    }
}
