// regex-filter-full: regex-filter with GMime in it.
// regex-filter(8), regex-rules(5).
// SPDX-License-Identifier: MIT

import Control
import FilterKit
import MailModel
import MessageStructure
import RegexRules

/// What `regex-filter` becomes to serve, or to judge one message in which something is encoded.
@main struct RegexFilterFull: Filter {
    // One filter to those who read its logs and its help.
    static let name = RegexFilter.name
    static let summary = RegexFilter.summary
    static let options = RegexFilter.options

    private let filter: RegexFilter

    static func main() { FilterMain.run(Self.self) }

    init(_ setup: Setup) throws { filter = try RegexFilter(setup, Decoder()) }

    func examine(_ request: borrowing Request) throws(FilterError) -> FilterExit? {
        try filter.examine(request)
    }

    func judge(
        _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        try filter.judge(request, &evidence)
    }
}
