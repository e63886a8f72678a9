// regex-filter: judges by patterns over client, envelope, header and bytes.
// regex-filter(8), regex-rules(5).
// SPDX-License-Identifier: MIT

import Control
import FilterKit
import MailModel
import RegexRules

/// The small program. GMime costs milliseconds at start, so that one message is decoded by a twin,
/// which this becomes, and only when something in it is encoded.
@main struct RegexFilterSmall: Filter {
    static let name = RegexFilter.name
    static let summary = RegexFilter.summary
    static let options = RegexFilter.options

    private let filter: RegexFilter

    static func main() { FilterMain.run(Self.self) }

    init(_ setup: Setup) throws { filter = try RegexFilter(setup) }

    func examine(_ request: borrowing Request) throws(FilterError) -> FilterExit? {
        try filter.examine(request)
    }

    func judge(
        _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        try filter.judge(request, &evidence)
    }
}
