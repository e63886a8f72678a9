// rcpt-validate: does this mailbox exist?
// rcpt-validate(8).
// SPDX-License-Identifier: MIT

import FilterKit
import RecipientValidation
import Recipients

/// The small program, which starts at once. libpq has no archive to link statically: see
/// `RcptValidateFull`.
@main
enum RcptValidate: SourceLibrary {
    static func main() { FilterMain.run(RcptValidation<Self>.self) }

    static func kinds(_: SourceCommon) -> [SourceKind] { [] }
}
