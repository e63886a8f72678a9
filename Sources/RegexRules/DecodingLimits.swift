// DecodingLimits: how much of a message is looked at, and how deep.
// regex-filter(8).
// SPDX-License-Identifier: MIT

import Control

/// What is over one of these was not judged.
public struct DecodingLimits: Hashable, Sendable {
    /// Bytes of a message.
    public var size = 16 << 20
    /// Bytes of the header of a message or of one part.
    public var headerSize = 1 << 20
    /// Fields of the header of a message or of one part.
    public var fields = 1_000
    /// Parts, at every depth and in every reading.
    public var parts = 1_000
    /// How deep parts and messages may be nested.
    public var nesting = 50
    /// Bytes that all parts together may have after decoding.
    public var decodedSize = 64 << 20

    /// The defaults.
    public init() {}

    /// What they are on the command line.
    static let options: [Usage.Option] = [
        .value("max-header", "SIZE", "bytes of one header (1M)"),
        .value("max-fields", "N", "fields of one header (1000)"),
        .value("max-parts", "N", "parts of a message (1000)"),
        .value("max-nesting", "N", "how deep they may be nested (50)"),
        .value("max-decoded", "SIZE", "bytes of all parts after decoding (64M)"),
    ]

    init(_ options: Options) throws(UsageError) {
        size = try options.size("size-limit") ?? size
        headerSize = min(size, try options.size("max-header") ?? headerSize)
        fields = try options.integer("max-fields", in: 1...1_000_000) ?? fields
        parts = try options.integer("max-parts", in: 1...10_000) ?? parts
        nesting = try options.integer("max-nesting", in: 1...500) ?? nesting
        decodedSize = try options.size("max-decoded") ?? decodedSize
    }
}

/// Something is over a limit, so it was not judged.
public struct LimitError: Error, CustomStringConvertible {
    /// What is over which limit.
    public let description: String

    /// An error with this text.
    public init(_ description: String) { self.description = description }
}
