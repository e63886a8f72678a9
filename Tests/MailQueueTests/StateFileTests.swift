import MailModel
import Testing

@testable import MailQueue

@Suite struct StateFileTests {
    private let records: [StateRecord] = [
        .result([0, 3], Samples.result(451, "text with \"quotes\", : and ,"), time: 5, due: 77),
        .result([1], Samples.result(250), time: 6, due: nil),
        .result([2], Samples.result(550), time: 7, due: nil),
        .bounced([2], dsn: Samples.id(3)), .bounced([4], dsn: nil),
        .done(3, [Array("maildir /home/a/Maildir".utf8), Array("2:program x, y: \0".utf8)]),
        .confirmed([1, 5], dsn: Samples.id(4)), .warned(dsn: Samples.id(6)),
    ]

    @Test func `what was written is read`() throws {
        let contents = try StateContents(records.flatMap(\.line), "state")
        #expect(contents.records == records)
        #expect(!contents.isCut)
    }

    @Test func `an empty file holds nothing`() throws {
        #expect(try StateContents([], "state").records.isEmpty)
    }

    @Test func `a file that was cut holds the records before the cut`() throws {
        let bytes = records.flatMap(\.line)
        var ends = [0]
        for record in records { ends.append((ends.last ?? 0) + record.line.count) }
        for length in bytes.indices {
            let contents = try StateContents(Array(bytes[..<length]), "state")
            let whole = ends.lastIndex { $0 <= length } ?? 0
            #expect(contents.records == Array(records[..<whole]))
            #expect(contents.validLength == ends[whole])
            #expect(contents.isCut == (length != ends[whole]))
        }
    }

    @Test func `zeros at the end are what a crash leaves`() throws {
        let bytes = records.flatMap(\.line) + [UInt8](repeating: 0, count: 100)
        let contents = try StateContents(bytes, "state")
        #expect(contents.records == records)
        #expect(contents.isCut)
    }

    @Test func `a wrong bit is damage, or at the end a cut; it never changes a record`() throws {
        let bytes = records.flatMap(\.line)
        let last = bytes.count - (records.last?.line.count ?? 0)
        for index in bytes.indices {
            var wrong = bytes
            wrong[index] ^= 1 << UInt8(index % 8)
            let contents = try? StateContents(wrong, "state")
            if index < last {
                #expect(contents == nil, "byte \(index)")
            } else {
                #expect(contents?.records == records.dropLast(), "byte \(index)")
            }
        }
    }
}
