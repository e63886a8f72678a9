// Tests of FilterExit.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

struct ExitTests {
    @Test func `only 11 and 31 are permanent among our codes`() {
        let permanent = FilterExit.allCases.filter(\.isPermanent)
        #expect(permanent == [.addressTooLong, .reject])
    }

    @Test func `no code of ours means different things in different qmails`() {
        for code in FilterExit.allCases.map(\.rawValue) {
            #expect(!(32...34).contains(code))
            #expect(!(1...10).contains(code))
        }
    }
}
