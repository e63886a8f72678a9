// AnswerCache: answers of the DNS, kept for as long as they hold.
// RFC 1035, section 7.4; RFC 2308.
// SPDX-License-Identifier: MIT

public import UnixIO

/// An answer and how many seconds it may be kept; nil: not at all.
struct Answer: Sendable {
    let lookup: Lookup<Record>
    let timeToLive: UInt32?
    /// True when a server that validates for us has validated it.
    var isSecure = false
    /// Whose records they are, or would be: where the aliases lead from the name that was asked for.
    var canonicalName: DomainName?
}

/// Answers in memory, a bounded number of bytes of them. A value: whoever asks owns it.
///
/// Records are kept for their time to live and at most `longest`; a no, for the time that the
/// zone's SOA record allows and at most `longestNo`, and not at all without one. A failure is
/// never kept: it may be over by the next question.
///
/// Answers go into a young half. When that is full it becomes the old half, the old half is
/// forgotten, and an answer that is used in the old half is young again: what is in use stays.
public struct AnswerCache: Sendable {
    /// The memory that a cache takes when nothing else is said: 4 MiB.
    public static let defaultLimit = 4 << 20
    /// Records are kept at most a day, in seconds.
    public static let longest: UInt32 = 86_400
    /// A no is kept at most three hours, in seconds. RFC 2308, section 5.
    public static let longestNo: UInt32 = 10_800

    private struct Entry {
        let lookup: Lookup<Record>
        let began: Int
        let expires: Int
        let size: Int
    }

    private let limit: Int
    private var young: [Question: Entry] = [:]
    private var old: [Question: Entry] = [:]
    private var youngSize = 0
    private var oldSize = 0
    /// How many questions were answered from memory.
    public private(set) var hits = 0

    /// An empty cache of about this many bytes at most; 0: nothing is kept.
    public init(limit: Int = defaultLimit) { self.limit = limit }

    /// About how many bytes are in use.
    public var size: Int { youngSize + oldSize }

    /// The records of one type that a name has, from memory or through a resolver. `now` are
    /// seconds of a clock; an answer from before or after its time is not used.
    public mutating func query(
        _ name: [UInt8], _ type: RecordType, through resolver: Resolver, deadline: Deadline,
        now: Int
    ) throws(ResolverError) -> Lookup<Record> {
        guard let name = DomainName(name) else { throw .badName }
        let question = Question(name: name, type: type.rawValue)
        if let known = take(question, now) {
            hits += 1
            return known
        }
        let answer = try resolver.answer(question, deadline: deadline)
        keep(answer, for: question, now)
        return answer.lookup
    }

    /// Keeps an answer for as long as it may be kept.
    mutating func keep(_ answer: Answer, for question: Question, _ now: Int) {
        let longest = answer.lookup.isVoid ? AnswerCache.longestNo : AnswerCache.longest
        let seconds = min(answer.timeToLive ?? 0, longest)
        let entry = Entry(
            lookup: answer.lookup, began: now, expires: now + Int(seconds),
            size: AnswerCache.size(of: answer.lookup, question))
        guard seconds > 0, entry.size <= limit / 2 else { return }
        forget(question)
        insert(entry, question)
    }

    private mutating func insert(_ entry: Entry, _ question: Question) {
        if youngSize + entry.size > limit / 2 {
            old = young
            oldSize = youngSize
            young = [:]
            youngSize = 0
        }
        young[question] = entry
        youngSize += entry.size
    }

    private mutating func take(_ question: Question, _ now: Int) -> Lookup<Record>? {
        guard let entry = young[question] ?? old[question] else { return nil }
        // A clock that was set back makes no answer hold for longer.
        guard now >= entry.began, now < entry.expires else {
            forget(question)
            return nil
        }
        if young[question] == nil {
            forget(question)
            insert(entry, question)
        }
        return entry.lookup
    }

    private mutating func forget(_ question: Question) {
        youngSize -= young.removeValue(forKey: question)?.size ?? 0
        oldSize -= old.removeValue(forKey: question)?.size ?? 0
    }

    /// The bytes of the records and an estimate of what it takes to hold them.
    private static func size(of lookup: Lookup<Record>, _ question: Question) -> Int {
        lookup.values.reduce(256 + question.name.bytes.count) { sum, record in
            sum + 192 + record.owner.bytes.count + record.data.size
        }
    }
}

extension RecordData {
    /// About how many bytes it takes.
    fileprivate var size: Int {
        switch self {
        case .address: 16
        case .exchanger(let exchanger): exchanger.exchange.bytes.count
        case .name(let name): name.bytes.count
        case .strings(let strings): strings.reduce(0) { $0 + 48 + $1.count }
        case .raw(let bytes): bytes.count
        }
    }
}
