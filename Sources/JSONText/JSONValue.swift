// JSONValue: what a JSON text says.
// RFC 8259; json-c.
// SPDX-License-Identifier: MIT

import CJSON
import Glibc

/// A value that was read. Texts are bytes, since who wrote them may not have cared for UTF-8.
public indirect enum JSONValue: Hashable, Sendable {
    /// Nothing.
    case null
    /// True or false.
    case flag(Bool)
    /// A finite number.
    case number(Double)
    /// A text.
    case text([UInt8])
    /// Values in order.
    case list([JSONValue])
    /// Members in order. Where a name came twice, the last one is there.
    case object([Member])

    /// A name and a value of an object.
    public struct Member: Hashable, Sendable {
        /// The name.
        public let name: String
        /// The value.
        public let value: JSONValue
    }

    /// How deep lists and objects may be nested.
    public static let maximumDepth = 32

    /// Reads a text of one value; nil when json-c, being strict, takes it for no JSON, or when it is cut short, goes on
    /// after its value, is nested deeper than `maximumDepth`, or holds a number that is not finite.
    public init?(_ text: [UInt8]) {
        guard let length = Int32(exactly: text.count), length > 0,
            let reader = json_tokener_new_ex(Int32(JSONValue.maximumDepth))
        else { return nil }
        defer { json_tokener_free(reader) }
        json_tokener_set_flags(reader, JSON_TOKENER_STRICT)
        let root = text.withUnsafeBytes { buffer in
            json_tokener_parse_ex(
                reader, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), length)
        }
        defer { json_object_put(root) }
        guard json_tokener_get_error(reader) == json_tokener_success,
            text.dropFirst(json_tokener_get_parse_end(reader)).allSatisfy(JSONValue.isBlank)
        else { return nil }
        self.init(root)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

    /// A value of json-c, to which null is nil. The depth is bounded by the reader.
    private init?(_ value: OpaquePointer?) {
        switch json_object_get_type(value) {
        case json_type_null: self = .null
        case json_type_boolean: self = .flag(json_object_get_boolean(value) != 0)
        case json_type_int, json_type_double:
            let number = json_object_get_double(value)
            guard number.isFinite else { return nil }
            self = .number(number)
        case json_type_string: self = .text(JSONValue.bytes(of: value))
        case json_type_array:
            var values: [JSONValue] = []
            for index in 0..<json_object_array_length(value) {
                guard let element = JSONValue(json_object_array_get_idx(value, index)) else {
                    return nil
                }
                values.append(element)
            }
            self = .list(values)
        case json_type_object:
            guard let members = JSONValue.members(of: value) else { return nil }
            self = .object(members)
        default: return nil
        }
    }

    private static func bytes(of text: OpaquePointer?) -> [UInt8] {
        guard let start = json_object_get_string(text) else { return [] }
        let count = Int(json_object_get_string_len(text))
        return Array(UnsafeRawBufferPointer(start: start, count: max(0, count)))
    }

    private static func members(of object: OpaquePointer?) -> [Member]? {
        var members: [Member] = []
        var here = json_object_iter_begin(object)
        var end = json_object_iter_end(object)
        while json_object_iter_equal(&here, &end) == 0 {
            guard let name = json_object_iter_peek_name(&here),
                let value = JSONValue(json_object_iter_peek_value(&here))
            else { return nil }
            members.append(Member(name: String(cString: name), value: value))
            json_object_iter_next(&here)
        }
        return members
    }
}

extension JSONValue {
    /// The value of a member of an object; nil where there is none, or this is no object.
    public subscript(name: String) -> JSONValue? {
        members?.first { $0.name == name }?.value
    }

    /// The members of an object; nil for anything else.
    public var members: [Member]? { if case .object(let members) = self { members } else { nil } }

    /// The elements of a list; nil for anything else.
    public var elements: [JSONValue]? { if case .list(let values) = self { values } else { nil } }

    /// The number; nil for anything else.
    public var number: Double? { if case .number(let number) = self { number } else { nil } }

    /// The flag; nil for anything else.
    public var flag: Bool? { if case .flag(let flag) = self { flag } else { nil } }

    /// The text as bytes; nil for anything else.
    public var bytes: [UInt8]? { if case .text(let bytes) = self { bytes } else { nil } }

    /// The text; nil for anything else. What is not UTF-8 becomes U+FFFD.
    public var text: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
}
