// Tests of the places of conversations, without any conversation.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import AuthCheck

@Suite struct HeldConversationsTests {
    private let anna = IPAddress("192.0.2.1")
    private let bert = IPAddress("192.0.2.2")

    @Test func `a place is free when its time is over, though the process is still there`() throws {
        let held = try HeldConversations(1, perClient: 1)
        #expect(held.take(for: anna, lasting: .seconds(-1)))
        #expect(held.take(for: bert, lasting: .seconds(3600)))
        #expect(!held.take(for: anna, lasting: .seconds(3600)))
    }

    @Test func `a client has no more places than it may, and gives them back`() throws {
        let held = try HeldConversations(3, perClient: 1)
        #expect(held.take(for: anna, lasting: .seconds(3600)))
        #expect(!held.take(for: anna, lasting: .seconds(3600)))
        #expect(held.take(for: bert, lasting: .seconds(3600)))
        held.leave()
        #expect(held.take(for: anna, lasting: .seconds(3600)))
    }
}
