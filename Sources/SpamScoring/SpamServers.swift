// SpamServers: asks the first server that answers.
// spam-check(8).
// SPDX-License-Identifier: MIT

import Glibc
public import Resolver
import UnixIO

/// How one server is asked.
public protocol SpamQuestion: Sendable {
    /// What goes before a sample of so many bytes.
    func head(length: Int) -> [UInt8]
    /// True when our end of the connection is closed after the sample.
    var endsOutput: Bool { get }
    /// Reads an answer to it.
    func reader() -> any SpamAnswerReader
}

/// Reads one answer as it comes in.
public protocol SpamAnswerReader: AnyObject {
    /// Takes a piece; nil while more must come.
    /// - Throws: `SpamServerError`.
    func take(_ piece: [UInt8]) throws(SpamServerError) -> SpamOpinion?
    /// At the end of what comes.
    /// - Throws: `SpamServerError`.
    func end() throws(SpamServerError) -> SpamOpinion
}

/// Several servers, asked in order. The first that gives a whole answer decides; the next one is
/// asked when one cannot be reached, breaks off, says what is no answer, refuses, or takes longer
/// than its share of the time: what is left, divided by those that are left.
public struct SpamServers: Sendable {
    /// How long a connection may take.
    static let connectLimit = Duration.seconds(5)
    /// The most bytes of an answer.
    static let answerLimit = 4 << 20

    /// The servers.
    public let places: [ServerPlace]
    private let limit: Duration
    private let resolver: Resolver?

    /// These servers, which together may take so long. Only names need a resolver.
    public init(_ places: [ServerPlace], limit: Duration, resolver: Resolver?) {
        self.places = places
        self.limit = limit
        self.resolver = resolver
    }

    /// Asks about a sample, each server in its own words.
    /// - Returns: the opinion and whose it is.
    /// - Throws: `SpamServersError` with each server's reason when there is no opinion.
    public func opinion(
        on sample: Sample, _ question: (_ index: Int) -> some SpamQuestion
    ) throws(SpamServersError) -> (SpamOpinion, by: ServerPlace) {
        let end = Deadline.after(limit)
        var troubles = SpamServersError()
        for (index, place) in places.enumerated() {
            let share = end.remaining / (places.count - index)
            do throws(SpamServerError) {
                return (try ask(place, sample, question(index), .after(share)), place)
            } catch {
                troubles.append(place, error)
            }
        }
        throw troubles
    }

    private func ask(
        _ place: ServerPlace, _ sample: Sample, _ question: some SpamQuestion,
        _ deadline: Deadline
    ) throws(SpamServerError) -> SpamOpinion {
        let connection = try place.connect(
            resolver, min(deadline, .after(SpamServers.connectLimit)))
        let isWhole = try sample.send(
            after: question.head(length: sample.length), on: connection, deadline)
        if isWhole, question.endsOutput {
            shutdown(connection.descriptor.number, Int32(SHUT_WR))
        }
        let opinion = try SpamServers.answer(on: connection, question, deadline)
        // Who has not seen all of it has no opinion.
        guard isWhole else { throw .cutShort }
        return opinion
    }

    private static func answer(
        on connection: borrowing Connection, _ question: some SpamQuestion, _ deadline: Deadline
    ) throws(SpamServerError) -> SpamOpinion {
        let reader = question.reader()
        var length = 0
        while true {
            var received = Received()
            do throws(SystemError) {
                _ = try connection.receive(into: &received, limit: 65_536, deadline: deadline)
            } catch  where error.errno == .connectionReset {
                throw .cutShort
            } catch {
                throw .system(error)
            }
            // A server that has always one more byte must not outlive its time either.
            guard !deadline.hasPassed else { throw .system(.timedOut("read", connection.object)) }
            length += received.bytes.count
            guard length <= answerLimit else { throw .nonsense("it has no end") }
            guard !received.bytes.isEmpty else { return try reader.end() }
            if let opinion = try reader.take(received.bytes) { return opinion }
        }
    }
}

/// What kept each server from an opinion.
public struct SpamServersError: Error, Sendable, CustomStringConvertible {
    private var troubles: [(ServerPlace, SpamServerError)] = []

    fileprivate mutating func append(_ place: ServerPlace, _ error: SpamServerError) {
        troubles.append((place, error))
    }

    /// True when all of them took too long.
    public var isTimeout: Bool { !troubles.isEmpty && troubles.allSatisfy(\.1.isTimeout) }

    /// The reasons as one line.
    public var description: String {
        troubles.map { "\($0): \($1)" }.joined(separator: "; ")
    }
}
