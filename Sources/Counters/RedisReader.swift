// RedisReader: hiredis' reader of replies, with lists no longer than any that we ask for.
// hiredis/read.h.
// SPDX-License-Identifier: MIT

import CHiredis

/// How readers are made.
enum RedisReader {
    /// The most elements of one list: a page of keys, or a decision about very many charges.
    static let longestList = 1 << 20

    /// A new reader; nil when there is no memory for it. To be freed with `redisReaderFree`.
    static func make() -> UnsafeMutablePointer<redisReader>? {
        guard let functions else { return nil }
        return redisReaderCreateWithFunctions(functions)
    }

    /// What the library makes of replies by itself.
    private static let standard: redisReplyObjectFunctions? = {
        let reader = redisReaderCreate()
        defer { redisReaderFree(reader) }
        return reader?.pointee.fn?.pointee
    }()

    /// The same, but for lists. The library makes room for all elements that a server announces,
    /// and looks at each when it frees them, also when none has come: that takes half a minute.
    private nonisolated(unsafe) static let functions = {
        guard var functions = standard else {
            return UnsafeMutablePointer<redisReplyObjectFunctions>?.none
        }
        functions.createArray = { task, count in
            count <= RedisReader.longestList ? RedisReader.standard?.createArray(task, count) : nil
        }
        // It lives as long as the process does.
        let place = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
        place.initialize(to: functions)
        return place
    }()
}
