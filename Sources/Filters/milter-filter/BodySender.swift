// BodySender: the body of a message in pieces with CRLF.
// smfi_register, xxfi_body.
// SPDX-License-Identifier: MIT

import FilterKit
import MailModel
import MilterProtocol
import SMTPProtocol

/// Turns what flows by into pieces, and ends when the milter wants no more.
struct BodySender {
    typealias Say = ([UInt8]) -> Result<MilterAnswer, MilterStop>

    /// Set when the milter decided meanwhile.
    private(set) var decision: MilterDecision?
    /// Set when the milter failed.
    private(set) var stop: MilterStop?
    /// True when the rest of the body need not be read.
    private(set) var isOver = false

    private var skipping: Int
    private let pieceSize: Int
    private var encoder = DataEncoder(hasFinalDot: false)
    private var pending: [UInt8] = []

    init(skipping: Int, pieceSize: Int) {
        self.skipping = skipping
        self.pieceSize = pieceSize
    }

    /// Takes a part of the message.
    /// - Throws: `FilterError` when the rest is not wanted, for whoever reads the message.
    mutating func take(_ chunk: UnsafeRawBufferPointer, _ say: Say) throws(FilterError) {
        let skipped = min(skipping, chunk.count)
        skipping -= skipped
        guard skipped < chunk.count else { return }
        do throws(DataEncoderError) {
            try encoder.encode(UnsafeRawBufferPointer(rebasing: chunk[skipped...]), into: &pending)
        } catch {
            decision = MilterDecision(
                verdict: .bareCarriageReturn, command: .body, answer: .reject)
            try end()
        }
        var start = 0
        while pending.count - start >= pieceSize {
            try give(Array(pending[start..<(start + pieceSize)]), say)
            start += pieceSize
        }
        pending.removeFirst(start)
    }

    /// Gives what is left.
    mutating func finish(_ say: Say) throws(FilterError) {
        encoder.finish(into: &pending)
        var start = 0
        while start < pending.count {
            let end = min(start + pieceSize, pending.count)
            try give(Array(pending[start..<end]), say)
            start = end
        }
    }

    private mutating func give(_ piece: [UInt8], _ say: Say) throws(FilterError) {
        switch say(piece) {
        case .success(.goOn): return
        case .success(.skip): try end()
        case .success(.decided(let decision)):
            self.decision = decision
            try end()
        case .failure(let stop):
            self.stop = stop
            throw FilterError(.defer, "the milter failed")
        }
    }

    /// Ends the reading of the message.
    private mutating func end() throws(FilterError) {
        isOver = true
        throw FilterError(.defer, "the rest is not wanted")
    }
}
