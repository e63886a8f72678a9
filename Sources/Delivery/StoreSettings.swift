// StoreSettings: what all deliveries into mailboxes of a host have in common.
// deliver-local(8).
// SPDX-License-Identifier: MIT

public import Control
import MailModel
import Resolver
import UnixIO

/// What the control files say of mailboxes. The process of an owner, which reads none of them, is
/// told with its request.
public struct StoreSettings: Sendable {
    /// What becomes of mail for a full mailbox.
    enum OverQuota: String, CaseIterable, Sendable {
        /// It fails: 552 5.2.2.
        case bounce
        /// It is tried again: 452 4.2.2.
        case `defer`
    }

    /// The longest `quotawarning`.
    private static let longestWarning = 65_536

    /// `control/overquota`.
    var overQuota = OverQuota.bounce
    /// `control/quotawarning`: the message that tells of a mailbox that is nearly full, from its
    /// header on; nil for none.
    var quotaWarning: [UInt8]?
    /// What we say at LHLO: `control/helohost`, else `control/me`.
    var helloName = Array("localhost".utf8)
    /// Whom servers of LMTP are looked up with.
    var resolver = Resolver(servers: [])

    /// What is so without any file.
    init() {}

    /// Reads the control files.
    /// - Throws: `ControlError`.
    public init(_ control: ControlFolder) throws(ControlError) {
        if let line = try control.line("overquota"), !line.isEmpty {
            guard let rule = OverQuota(rawValue: String(decoding: line, as: UTF8.self)) else {
                throw control.invalid(
                    "overquota", 1, "neither bounce nor defer: \(line.printable)")
            }
            overQuota = rule
        }
        quotaWarning = try StoreSettings.warning(control)
        helloName = try control.lineOrMe("helohost")
        guard !helloName.isEmpty, helloName.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw control.invalid("helohost", 1, "not a name: \(helloName.printable)")
        }
        // Without any, only servers that have no address of their own cannot be found.
        let given = try control.resolver().map { [$0] }
        resolver = Resolver(servers: given ?? (try? Resolver.hostServers()) ?? [])
    }

    private static func warning(_ control: ControlFolder) throws(ControlError) -> [UInt8]? {
        let path = control.file("quotawarning")
        do throws(SystemError) {
            let text = try Files.contents(of: path, limit: longestWarning)
            return text.isEmpty ? nil : text
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw .unreadable(error) }
            return nil
        }
    }

    /// Adds what the process of an owner must know.
    func append(to fields: inout Fields) {
        fields.append("over-quota", overQuota.rawValue)
        if let quotaWarning { fields.append("quota-warning", quotaWarning) }
        fields.append("hello-name", helloName)
        for server in resolver.servers { fields.append("resolver", server.description) }
    }

    /// Reads what `append` added.
    /// - Throws: `FieldsError`.
    init(_ fields: Fields) throws(FieldsError) {
        guard let rule = fields.text("over-quota").flatMap(OverQuota.init(rawValue:)) else {
            throw .missing("over-quota")
        }
        guard let name = fields["hello-name"] else { throw .missing("hello-name") }
        overQuota = rule
        quotaWarning = fields["quota-warning"]
        helloName = name
        var servers: [Endpoint] = []
        for field in fields.all where field.name == "resolver" {
            guard let server = Endpoint(field.value) else { throw .badValue("resolver") }
            servers.append(server)
        }
        resolver = Resolver(servers: servers)
    }
}
