// Failure: what ends filter-chain without a verdict, with its exit code.
// filter-chain(8), section EXIT STATUS.
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

/// An exit code and a line for people.
struct Failure: Error {
    let exit: FilterExit
    let text: String

    init(_ exit: FilterExit, _ text: String) {
        self.exit = exit
        self.text = text
    }

    /// The exit code of whatever was thrown.
    init(_ error: any Error) {
        switch error {
        case let error as Failure: self = error
        case let error as EnvelopeError:
            switch error {
            case .cutShort: self.init(.cannotRead, "the envelope is cut short")
            case .malformed: self.init(.malformedEnvelope, "the envelope is malformed")
            case .addressTooLong: self.init(.addressTooLong, "an address is over 1002 bytes long")
            }
        case let error as SystemError:
            let exit: FilterExit =
                switch error.call {
                case _ where error.errno == .noMemory: .outOfMemory
                case "exec": .badConfiguration
                case _ where error.call.contains("read"): .cannotRead
                default: .cannotWrite
                }
            self.init(exit, error.description)
        default: self.init(.badConfiguration, "\(error)")
        }
    }
}
