// HTTPReplyReader: one reply of an HTTP server, as it comes in.
// RFC 9112; http_parser.
// SPDX-License-Identifier: MIT

import CHTTPParser

/// A whole reply.
public struct HTTPReply: Hashable, Sendable {
    /// The status code.
    public let status: Int
    /// The body.
    public let body: [UInt8]
}

/// Why there is no reply.
public enum HTTPReplyError: Error, Hashable, Sendable {
    /// What came is no reply of HTTP/1, or more than one.
    case malformed(String)
    /// The body is longer than the limit.
    case tooLong
    /// The end came too early.
    case cutShort
}

/// Reads one reply from pieces of any size.
public final class HTTPReplyReader {
    private let parser: UnsafeMutablePointer<http_parser>
    private var settings = http_parser_settings()
    private let limit: Int
    private var body: [UInt8] = []
    private var isTooLong = false
    private var isComplete = false

    /// A reader that takes a body of so many bytes at most. Its header may have 80 KiB, which is
    /// http_parser's own limit.
    public init(limit: Int) {
        self.limit = limit
        parser = .allocate(capacity: 1)
        http_parser_init(parser, HTTP_RESPONSE)
        http_parser_settings_init(&settings)
        parser.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        settings.on_message_begin = { HTTPReplyReader.of($0).map { $0.isComplete ? 1 : 0 } ?? 1 }
        settings.on_body = { parser, start, count in
            HTTPReplyReader.of(parser)?.append(start, count) ?? 1
        }
        settings.on_message_complete = { parser in
            HTTPReplyReader.of(parser)?.isComplete = true
            return 0
        }
    }

    deinit { parser.deallocate() }

    private static func of(_ parser: UnsafeMutablePointer<http_parser>?) -> HTTPReplyReader? {
        parser?.pointee.data.map {
            Unmanaged<HTTPReplyReader>.fromOpaque($0).takeUnretainedValue()
        }
    }

    private func append(_ start: UnsafePointer<CChar>?, _ count: Int) -> Int32 {
        guard body.count <= limit - count else {
            isTooLong = true
            return 1
        }
        body += UnsafeRawBufferPointer(start: start, count: count)
        return 0
    }

    /// Takes a piece of what comes.
    /// - Returns: the reply once all of it is there.
    /// - Throws: `HTTPReplyError`.
    public func take(_ piece: [UInt8]) throws(HTTPReplyError) -> HTTPReply? {
        guard !piece.isEmpty else { return nil }
        let taken = piece.withUnsafeBytes { buffer in
            http_parser_execute(
                parser, &settings, buffer.baseAddress?.assumingMemoryBound(to: CChar.self),
                buffer.count)
        }
        try check(taken == piece.count)
        return isComplete ? reply : nil
    }

    /// At the end of what comes: a body without a length ends here.
    /// - Throws: `HTTPReplyError`.
    public func end() throws(HTTPReplyError) -> HTTPReply {
        if !isComplete {
            let taken = http_parser_execute(parser, &settings, nil, 0)
            guard isComplete else { throw .cutShort }
            try check(taken == 0)
        }
        return reply
    }

    private var reply: HTTPReply {
        HTTPReply(status: Int(parser.pointee.status_code), body: body)
    }

    private func check(_ isTaken: Bool) throws(HTTPReplyError) {
        if isTooLong { throw .tooLong }
        let code = http_errno(rawValue: UInt32(parser.pointee.http_errno))
        guard isTaken, code == HPE_OK else {
            throw .malformed(String(cString: http_errno_name(code)))
        }
    }
}
