// Throttle+Simulation: reading a log for --simulate.
// throttle(8), section SIMULATION.
// SPDX-License-Identifier: MIT

import Counters
import FilterKit
import Glibc
import MailModel
import UnixIO

extension Throttle {
    /// The most bytes of one line that are looked at.
    private static let longestLine = 65_536

    /// Prints what the limits would have done to what a log tells of.
    func simulate(_ log: String) throws(FilterError) {
        var simulation = Simulation(policy)
        do throws(SystemError) {
            if log == "-" {
                try Self.lines(of: Descriptor(rawValue: 0), log) { try? simulation.read($0) }
            } else {
                let file = try Files.open(log, O_RDONLY)
                try Self.lines(of: file.borrowed, log) { try? simulation.read($0) }
                withExtendedLifetime(file) {}
            }
        } catch {
            throw FilterError(error, otherwise: .cannotRead)
        }
        try Errand.print(simulation.report)
    }

    /// Calls with each line; of one that is too long, with its beginning.
    private static func lines(
        of descriptor: Descriptor, _ name: String, _ body: (ArraySlice<UInt8>) -> Void
    ) throws(SystemError) {
        try withUnsafeTemporaryAllocation(byteCount: 1 << 18, alignment: 1) {
            (buffer) throws(SystemError) -> Void in
            var rest: [UInt8] = []
            while true {
                let count = try descriptor.readSome(into: buffer, name)
                guard count > 0 else { break }
                rest += buffer[..<count]
                var start = 0
                while let end = rest[start...].firstIndex(of: 0x0A) {
                    body(rest[start..<end].prefix(longestLine))
                    start = end + 1
                }
                rest.removeFirst(start)
                // The rest of a line that is too long is no line of ours.
                if rest.count > longestLine { rest.removeLast(rest.count - longestLine) }
            }
            if !rest.isEmpty { body(rest[...]) }
        }
    }
}
