// OwnedDelivery+Fields: what root and the process of an owner tell each other.
// deliver-local(8), option --once.
// SPDX-License-Identifier: MIT

import MailModel
import Recipients
import UnixIO

extension LocalTerms {
    /// Reads what `append` wrote.
    init(_ fields: Fields) throws(FieldsError) {
        guard let base = fields.text("base") else { throw .missing("base") }
        guard let lines = fields["default-delivery"] else { throw .missing("default-delivery") }
        self.base = base
        defaultDelivery = lines
        programLimit = .seconds(try fields.number("program-limit"))
        separators = fields["extensions"] ?? []
        runsVirtual = fields["virtual-delivery"] != nil
        settings = try StoreSettings(fields)
    }
}

extension Fields {
    mutating func append(_ terms: LocalTerms) {
        append("base", terms.base)
        append("default-delivery", terms.defaultDelivery)
        append("program-limit", Int(clamping: terms.programLimit.components.seconds))
        if !terms.separators.isEmpty { append("extensions", terms.separators) }
        if terms.runsVirtual { append("virtual-delivery", "program") }
        terms.settings.append(to: &self)
    }

    mutating func append(_ destination: LocalDestination) {
        var fields = Fields()
        fields.append("user", destination.user)
        fields.append("home", destination.home)
        fields.append("local", destination.local)
        fields.append("host", destination.host)
        fields.append("dash", destination.dash)
        fields.append("ext", destination.ext)
        if case .given(let instructions) = destination.instructions {
            fields.append("given", "1")
            for instruction in instructions { fields.append("instruction", instruction.text) }
        }
        if case .aliased(let plan) = destination.instructions { fields.append(plan) }
        if destination.isPastAliases { fields.append("past-aliases", "1") }
        append("destination", fields.frame)
    }

    /// The destinations in their order.
    func destinations() throws(FieldsError) -> [LocalDestination] {
        var found: [LocalDestination] = []
        for field in all where field.name == "destination" {
            found.append(try LocalDestination(Fields(frame: field.value)))
        }
        return found
    }
}

extension LocalDestination {
    fileprivate init(_ fields: Fields) throws(FieldsError) {
        guard let user = fields["user"], let home = fields.text("home"),
            let local = fields["local"], let host = fields["host"], let dash = fields["dash"],
            let ext = fields["ext"]
        else { throw .badValue("destination") }
        var given: [Instruction] = []
        for field in fields.all where field.name == "instruction" {
            guard let instruction = Instruction(field.value) else { throw .badValue("instruction") }
            given.append(instruction)
        }
        let said =
            if fields["aliased"] != nil {
                Instructions.aliased(try AliasPlan(given, fields))
            } else {
                fields["given"] == nil ? Instructions.inHome : .given(given)
            }
        self.init(
            user: user, home: home, local: local, host: host, dash: dash, ext: ext,
            instructions: said)
        isPastAliases = fields["past-aliases"] != nil
    }
}

extension InstructionOutcome {
    /// The outcome between the processes.
    var fields: Fields {
        var fields = Fields()
        fields.append(DeliveryResult(reply, host: host, done: done))
        if let forward {
            fields.append("forward-sender", forward.sender.bytes)
            fields.append("forward-mailbox", forward.mailbox.bytes)
            for recipient in forward.recipients {
                fields.append("forward-recipient", recipient.bytes)
            }
        }
        for (key, value) in evidence { fields.append("evidence", "\(key)=\(value ?? "")") }
        return fields
    }

    /// Reads an outcome that an owner's process wrote, who may write anything.
    init(_ fields: Fields) throws(FieldsError) {
        let result = try DeliveryResult(group: fields.all)
        reply = result.reply
        done = Array(result.done.prefix(2 * DotQmailLines.maximumLines + 1))
        host = result.host
        forward = try fields.forwardOrder()
        evidence = fields.all.filter { $0.name == "evidence" }.prefix(20).compactMap { field in
            let text = field.value.prefix(1000).printable
            guard let end = text.firstIndex(of: "=") else { return nil }
            return (String(text[..<end]), String(text[text.index(after: end)...]))
        }
    }
}

extension Fields {
    fileprivate func forwardOrder() throws(FieldsError) -> ForwardOrder? {
        guard let sender = self["forward-sender"] else { return nil }
        guard let mailbox = self["forward-mailbox"] else { throw .missing("forward-mailbox") }
        do {
            let recipients = try all.filter { $0.name == "forward-recipient" }.map {
                try Mailbox($0.value)
            }
            guard !recipients.isEmpty else { throw FieldsError.missing("forward-recipient") }
            return ForwardOrder(
                sender: try ReversePath(sender), recipients: recipients,
                mailbox: try Mailbox(mailbox))
        } catch let error as FieldsError {
            throw error
        } catch {
            throw .badValue("forward-recipient")
        }
    }
}
