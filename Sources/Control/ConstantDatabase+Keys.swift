// ConstantDatabase+Keys: every key of a cdb file, in the order of the file.
// https://cr.yp.to/cdb/cdb.txt
// SPDX-License-Identifier: MIT

extension ConstantDatabase {
    /// Calls `body` with every key in the order of the file, in pieces of 64 KiB: the file may be
    /// large.
    /// - Throws: `ControlError`: the file cannot be read or contradicts itself.
    public func forEachKey(_ body: (ArraySlice<UInt8>) -> Void) throws(ControlError) {
        let end = endOfRecords
        var piece: [UInt8] = []
        var start = ConstantDatabase.headerSize
        var position = start
        /// Makes `count` bytes from `position` be in `piece`; gives their place there.
        func need(_ count: Int) throws(ControlError) -> Int {
            guard count <= end - position else { throw damaged }
            if position < start || position + count > start + piece.count {
                start = position
                piece = try bytes(at: position, count: min(max(count, 65_536), end - position))
            }
            return position - start
        }
        while position < end {
            let head = try need(8)
            let (keyLength, dataLength) = ConstantDatabase.pair(piece, at: head)
            guard keyLength <= ConstantDatabase.maximumLength,
                dataLength <= end - position - 8 - keyLength
            else { throw damaged }
            let index = try need(8 + keyLength) + 8
            body(piece[index..<(index + keyLength)])
            position += 8 + keyLength + dataLength
        }
        guard position == end else { throw damaged }
    }
}
