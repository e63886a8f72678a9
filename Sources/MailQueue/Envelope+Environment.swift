// Envelope+Environment: options of an envelope that qmail-queue's form of it has no room for.
// queue-message(8); mail-inject(8).
// SPDX-License-Identifier: MIT

public import MailModel
import UnixIO

extension Envelope {
    /// The variables that whoever runs queue-message or filter-chain as qmail-queue may set, each
    /// with the value of the parameter of its name: for the message, and for all recipients.
    public static let optionVariables = [
        "CHAINMAIL_NOTIFY", "CHAINMAIL_RET", "CHAINMAIL_ENVID", "CHAINMAIL_SMTPUTF8",
    ]

    /// The same envelope with the options that the environment names; a value that is none is
    /// passed over.
    public var withOptionsOfEnvironment: Envelope {
        let notify = Environment.bytes("CHAINMAIL_NOTIFY").flatMap { Notify($0) }
        var result = Envelope(reversePath: reversePath)
        result.options = options
        result.options.ret =
            Environment.bytes("CHAINMAIL_RET").flatMap { ReturnedContent($0) } ?? options.ret
        result.options.envid =
            Environment.bytes("CHAINMAIL_ENVID").flatMap { EnvelopeID($0) } ?? options.envid
        if Environment.bytes("CHAINMAIL_SMTPUTF8") == [0x31] { result.options.smtputf8 = true }
        guard notify != nil || result.options != options else { return self }
        for (number, recipient) in recipients.enumerated() {
            var own = options(ofRecipient: number)
            own.notify = notify ?? own.notify
            result.append(recipient, own)
        }
        return result
    }
}
