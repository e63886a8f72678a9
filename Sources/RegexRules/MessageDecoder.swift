// MessageDecoder: what rules need of a library that reads MIME, which not every program has.
// regex-rules(5), section SCOPES.
// SPDX-License-Identifier: MIT

public import UnixIO

/// Reads the structure and the encodings of mail.
public protocol MessageDecoder {
    /// A line of header with its encoded words (RFC 2047) decoded to UTF-8, in every reading.
    func readings(ofField line: [UInt8]) -> [[UInt8]]

    /// Reads the structure of a message.
    /// - Throws: `LimitError` when it is over a limit.
    func content(
        of message: [UInt8], _ limits: DecodingLimits, deadline: Deadline
    ) throws -> any DecodedContent
}

/// What a message holds in its parts, in every reading that a mail reader may make of it.
public protocol DecodedContent: AnyObject {
    /// The MIME types in small letters.
    var types: [[UInt8]] { get }

    /// The names of files.
    var fileNames: [[UInt8]] { get }

    /// The texts: as UTF-8, and as the bytes they are where that is not certain; HTML both as
    /// source and as what is visible of it.
    /// - Throws: `LimitError` when they are over a limit.
    func texts() throws -> [[UInt8]]
}
