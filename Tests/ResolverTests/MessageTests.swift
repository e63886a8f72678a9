// Tests of what arrives from the network: whatever it is, nothing crashes.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import Resolver

struct MessageTests {
    private let question: Question
    private let answer: [UInt8]

    init() throws {
        let name = try #require(DomainName(Array("a.test".utf8)))
        question = Question(name: name, type: RecordType.mx.rawValue)
        var bytes = try question.query(id: 0x1234, payload: 0)
        bytes[2] |= 0x80
        bytes[7] = 3
        // MX 10 mx.a.test, its name pointing into the question; TXT; CNAME.
        bytes += [0xC0, 12, 0, 15, 0, 1, 0, 0, 0, 60, 0, 7, 0, 10, 2, 0x6D, 0x78, 0xC0, 12]
        bytes += [0xC0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, 3, 2, 0x68, 0x69]
        bytes += [0xC0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 2, 0xC0, 12]
        answer = bytes
    }

    @Test func `a whole answer is read`() throws {
        let message = try #require(Message(answer))
        #expect(message.answers(question, id: 0x1234))
        let records = try message.records()
        let exchange = try #require(DomainName(Array("mx.a.test".utf8)))
        #expect(
            records.map(\.data) == [
                .exchanger(MXRecord(preference: 10, exchange: exchange)),
                .strings([Array("hi".utf8)]), .name(question.name),
            ])
        #expect(records.allSatisfy { $0.timeToLive == 60 && $0.owner == question.name })
    }

    @Test func `an answer to something else is none`() throws {
        let message = try #require(Message(answer))
        let other = try #require(DomainName(Array("b.test".utf8)))
        #expect(!message.answers(question, id: 0x1235))
        #expect(!message.answers(Question(name: other, type: 15), id: 0x1234))
        #expect(!message.answers(Question(name: question.name, type: 1), id: 0x1234))
        var query = answer
        query[2] &= 0x7F
        #expect(try #require(Message(query)).answers(question, id: 0x1234) == false)
    }

    @Test func `every cut of an answer is malformed and none crashes`() throws {
        for length in 0..<answer.count {
            let message = Message(Array(answer.prefix(length)))
            #expect(throws: ResolverError.malformed) {
                guard let message else { throw ResolverError.malformed }
                _ = try message.records()
            }
        }
    }

    @Test func `no byte and no pair of bytes crashes`() {
        var generator = SystemRandomNumberGenerator()
        for position in answer.indices {
            for value in UInt8.min...UInt8.max {
                var bytes = answer
                bytes[position] = value
                if let other = bytes.indices.randomElement(using: &generator) {
                    bytes[other] = UInt8.random(in: 0...255, using: &generator)
                }
                _ = try? Message(bytes)?.records()
            }
        }
    }

    @Test func `random bytes do not crash`() {
        for length in 0..<600 {
            for _ in 0..<5 {
                var bytes = (0..<length).map { _ in UInt8.random(in: 0...255) }
                // A header that promises little, so that the records are looked at.
                if length > 12 { bytes.replaceSubrange(4..<12, with: [0, 1, 0, 3, 0, 0, 0, 0]) }
                _ = try? Message(bytes)?.records()
            }
        }
    }

    @Test func `a name that points at itself is malformed`() {
        var bytes = answer
        bytes.replaceSubrange(24..<26, with: [0xC0, 24])
        #expect(Message(bytes) == nil || (try? Message(bytes)?.records()) == nil)
    }

    @Test func `more records than we read are an error`() throws {
        var bytes = try question.query(id: 1, payload: 0)
        bytes[6] = UInt8((Resolver.maximumRecords + 1) >> 8)
        bytes[7] = UInt8((Resolver.maximumRecords + 1) & 255)
        for _ in 0...Resolver.maximumRecords {
            bytes += [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]
        }
        let message = try #require(Message(bytes))
        #expect(throws: ResolverError.tooManyRecords) { try message.records() }
    }
}
