// StructureLimits: how much of a message is looked at, and how deep.
// regex-filter(8).
// SPDX-License-Identifier: MIT

public import UnixIO

/// What reading a message may cost.
public struct StructureLimits: Sendable {
    /// Bytes of the header of one entity.
    public var headerSize = 1 << 20
    /// Fields of the header of one entity.
    public var fields = 1_000
    /// Entities, at every depth and in every reading.
    public var parts = 1_000
    /// How deep they may be nested.
    public var nesting = 50
    /// Bytes that all of them together may have after decoding.
    public var decodedSize = 64 << 20
    /// When it must be done.
    public var deadline = Deadline.never

    /// The defaults, and no deadline.
    public init() {}
}

/// Why what a message holds is not known.
public enum StructureError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It is over this limit.
    case overLimit(String)

    /// The limit, in words.
    public var description: String {
        switch self {
        case .overLimit(let text): text
        }
    }
}
