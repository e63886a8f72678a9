// MilterActions, MilterSteps: what the two ends of a milter connection agree on.
// mfdef.h of libmilter; smfi_register, xxfi_negotiate.
// SPDX-License-Identifier: MIT

/// What a milter may do to a message.
public struct MilterActions: OptionSet, Hashable, Sendable {
    /// The bits of the protocol.
    public let rawValue: UInt32

    /// These bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Add header fields.
    public static let addHeader = MilterActions(rawValue: 1)
    /// Replace the body.
    public static let changeBody = MilterActions(rawValue: 2)
    /// Add recipients.
    public static let addRecipient = MilterActions(rawValue: 4)
    /// Remove recipients.
    public static let removeRecipient = MilterActions(rawValue: 8)
    /// Change and remove header fields.
    public static let changeHeader = MilterActions(rawValue: 0x10)
    /// Quarantine the message.
    public static let quarantine = MilterActions(rawValue: 0x20)
    /// Change the reverse-path.
    public static let changeSender = MilterActions(rawValue: 0x40)
    /// Add recipients with parameters.
    public static let addRecipientWithParameters = MilterActions(rawValue: 0x80)
    /// Say which macros it wants.
    public static let setMacros = MilterActions(rawValue: 0x100)

    /// All that there are in version 6.
    public static let all = MilterActions(rawValue: 0x1FF)
}

/// Which commands a milter is not sent or does not answer, and what else it can do.
public struct MilterSteps: OptionSet, Hashable, Sendable {
    /// The bits of the protocol.
    public let rawValue: UInt32

    /// These bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// No CONNECT.
    public static let noConnect = MilterSteps(rawValue: 1)
    /// No HELO.
    public static let noHelo = MilterSteps(rawValue: 2)
    /// No MAIL.
    public static let noMail = MilterSteps(rawValue: 4)
    /// No RCPT.
    public static let noRcpt = MilterSteps(rawValue: 8)
    /// No body.
    public static let noBody = MilterSteps(rawValue: 0x10)
    /// No header fields.
    public static let noHeader = MilterSteps(rawValue: 0x20)
    /// No end of header.
    public static let noEndOfHeader = MilterSteps(rawValue: 0x40)
    /// Header fields are not answered.
    public static let noReplyToHeader = MilterSteps(rawValue: 0x80)
    /// No unknown commands.
    public static let noUnknown = MilterSteps(rawValue: 0x100)
    /// No DATA.
    public static let noData = MilterSteps(rawValue: 0x200)
    /// The reply SKIP is understood.
    public static let skip = MilterSteps(rawValue: 0x400)
    /// Recipients that were refused are sent too.
    public static let refusedRcpt = MilterSteps(rawValue: 0x800)
    /// CONNECT is not answered.
    public static let noReplyToConnect = MilterSteps(rawValue: 0x1000)
    /// HELO is not answered.
    public static let noReplyToHelo = MilterSteps(rawValue: 0x2000)
    /// MAIL is not answered.
    public static let noReplyToMail = MilterSteps(rawValue: 0x4000)
    /// RCPT is not answered.
    public static let noReplyToRcpt = MilterSteps(rawValue: 0x8000)
    /// DATA is not answered.
    public static let noReplyToData = MilterSteps(rawValue: 0x10000)
    /// Unknown commands are not answered.
    public static let noReplyToUnknown = MilterSteps(rawValue: 0x20000)
    /// The end of the header is not answered.
    public static let noReplyToEndOfHeader = MilterSteps(rawValue: 0x40000)
    /// Pieces of the body are not answered.
    public static let noReplyToBody = MilterSteps(rawValue: 0x80000)
    /// Values of header fields keep the blanks that follow the colon.
    public static let leadingSpace = MilterSteps(rawValue: 0x100000)
    /// Packets of 256 KiB.
    public static let packets256K = MilterSteps(rawValue: 0x1000_0000)
    /// Packets of 1 MiB.
    public static let packets1M = MilterSteps(rawValue: 0x2000_0000)

    /// All that there are in version 6, but for larger packets.
    public static let all = MilterSteps(rawValue: 0x1F_FFFF)
}
