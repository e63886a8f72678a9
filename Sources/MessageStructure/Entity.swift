// Entity: a message or a part of one, as GMime reads it.
// RFC 2045, section 2.4.
// SPDX-License-Identifier: MIT

import CGMime
import Glibc
import MailModel

/// A field of an entity.
struct EntityField {
    let name: [UInt8]
    /// The value with its folds.
    let value: [UInt8]
    /// Where its line begins.
    let offset: Int

    func isNamed(_ other: String) -> Bool { name.equalsIgnoringASCIICase(other.utf8) }
}

/// An entity: its fields, and the content of a leaf as offsets.
struct Entity {
    enum Kind {
        case leaf
        case multipart
        /// What holds a message.
        case messagePart
        /// The message itself; its Content fields are those of the entity that follows.
        case message
    }

    let kind: Kind
    let depth: Int
    let content: Range<Int>?
    var fields: [EntityField] = []

    func values(of name: String) -> [[UInt8]] {
        fields.lazy.filter { $0.isNamed(name) }.map(\.value)
    }

    func offsets(of name: String) -> [Int] {
        fields.lazy.filter { $0.isNamed(name) }.map(\.offset)
    }

    /// Where the first field begins.
    var start: Int? { fields.lazy.map(\.offset).min() }
}

/// What GMime's walk has told so far.
private struct Walk {
    let limits: StructureLimits
    /// So much memory may be in use: GMime makes hundreds of bytes of a part or a field of four.
    let memoryLimit: Int
    var entities: [Entity] = []
    var failure: StructureError?
    var parts = 0
    var reads = 0
    var headerSize = 0

    mutating func stop(_ text: String) -> Int32 {
        failure = .overLimit(text)
        return 1
    }

    mutating func add(_ kind: cgmime_kind, _ depth: Int32, _ begin: Int64, _ end: Int64) -> Int32 {
        // A message counts as what holds it does, and the whole one not at all.
        if kind != CGMIME_MESSAGE { parts += 1 }
        guard parts <= limits.parts else { return stop("the message has too many parts") }
        guard depth <= limits.nesting else {
            return stop("parts are nested too deep")
        }
        let kind: Entity.Kind =
            switch kind {
            case CGMIME_MULTIPART: .multipart
            case CGMIME_MESSAGE_PART: .messagePart
            case CGMIME_MESSAGE: .message
            default: .leaf
            }
        let content = begin >= 0 && end >= begin ? Int(begin)..<Int(end) : nil
        entities.append(Entity(kind: kind, depth: Int(depth), content: content))
        headerSize = 0
        return 0
    }

    mutating func add(_ field: EntityField) -> Int32 {
        guard let last = entities.indices.last else { return 0 }
        entities[last].fields.append(field)
        headerSize += field.name.count + field.value.count
        guard entities[last].fields.count <= limits.fields else {
            return stop("a header has more than \(limits.fields) fields")
        }
        guard headerSize <= limits.headerSize else {
            return stop("a header has more than \(limits.headerSize) bytes")
        }
        return 0
    }

    mutating func mayProceed() -> Bool {
        reads += 1
        guard !limits.deadline.hasPassed else {
            failure = .overLimit("the time limit ran out")
            return false
        }
        if reads % 16 == 0, cgmime_memory_in_use() > memoryLimit {
            failure = .overLimit("the message has too many parts or fields")
            return false
        }
        return true
    }

    /// The walk behind a pointer that went through C.
    static func at(_ context: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<Walk>? {
        context?.assumingMemoryBound(to: Walk.self)
    }
}

extension [UInt8] {
    /// The bytes of a C string; none for NULL.
    init(cText text: UnsafePointer<CChar>?) {
        guard let text else {
            self = []
            return
        }
        self = Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
    }
}

extension Entity {
    /// The entities of a message (or of one part with its header), each before what is in it.
    /// - Throws: `StructureError` when there is more than the limits allow.
    static func all(
        in bytes: [UInt8], isMessage: Bool, _ limits: StructureLimits
    ) throws(StructureError) -> [Entity] {
        guard !bytes.isEmpty else { return [] }
        guard !bytes.holdsField(longerThan: limits.headerSize) else {
            throw .overLimit("a header has more than \(limits.headerSize) bytes")
        }
        var callbacks = cgmime_callbacks(
            entity: { Walk.at($0)?.pointee.add($1, $2, $3, $4) ?? 1 },
            field: { context, name, value, offset in
                let field = EntityField(
                    name: [UInt8](cText: name), value: [UInt8](cText: value), offset: Int(offset))
                return Walk.at(context)?.pointee.add(field) ?? 1
            },
            proceed: { Walk.at($0)?.pointee.mayProceed() == true ? 1 : 0 })
        // Text in front of the first part and behind the last is copied, and grows by doubling.
        let memory = cgmime_memory_in_use() + 3 * bytes.count + (48 << 20)
        var walk = Walk(limits: limits, memoryLimit: memory)
        let result = withUnsafeMutablePointer(to: &walk) { walk in
            bytes.withUnsafeBufferPointer {
                cgmime_parse($0.baseAddress, $0.count, isMessage ? 1 : 0, &callbacks, walk)
            }
        }
        if let failure = walk.failure { throw failure }
        switch result {
        case CGMIME_TOO_DEEP:
            throw .overLimit("parts are nested too deep")
        case CGMIME_STOPPED: throw .overLimit("the message could not be read whole")
        default: return walk.entities
        }
    }
}
