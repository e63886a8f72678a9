// callout:HOST:PORT
// rcpt-validate(8), --source.
// SPDX-License-Identifier: MIT

import Callout
import Control
import MailModel
import Recipients
import SMTPProtocol
import UnixIO

extension SourceKind {
    /// Other mail servers.
    static func callout(_ common: SourceCommon) -> SourceKind {
        SourceKind("callout", form: "callout:HOST:PORT") { spec, settings throws(ControlError) in
            let names = ["domains", "from", "helo", "timeout"]
            let parameters = try SourceParameters(spec, names: names)
            let source = try CalloutSource(spec, parameters, settings, common)
            return CachedSource(source, common.cache)
        }
    }
}

/// Asks the next server for each mailbox.
struct CalloutSource: RecipientSource {
    let label: String
    private let server: CalloutServer
    private let domains: KnownDomains
    private let timeout: Duration
    private let settings: SourceSettings

    fileprivate init(
        _ spec: SourceSpec, _ parameters: SourceParameters, _ settings: SourceSettings,
        _ common: SourceCommon
    ) throws(ControlError) {
        guard let (host, port) = CalloutSource.place(Array(parameters.place.utf8)) else {
            throw spec.invalid("\(parameters.place) is not HOST:PORT or [ADDRESS]:PORT")
        }
        let name = parameters["helo"] ?? common.name
        guard PathSyntax.isDomain(name) || PathSyntax.isAddressLiteral(name) else {
            throw spec.invalid("helo=\(name.printable) is no domain or address literal")
        }
        var callout = CalloutSettings(
            host: host, port: port, name: name, resolver: common.resolver)
        let from = parameters["from"] ?? []
        guard let path = try? ReversePath(from.elementsEqual("<>".utf8) ? [] : from) else {
            throw spec.invalid("from=\(from.printable) is no address")
        }
        callout.reversePath = path
        guard let server = CalloutServer(callout) else {
            throw spec.invalid("from=\(from.printable) is no address")
        }
        self.server = server
        self.settings = settings
        label = "callout:\(parameters.place)"
        timeout = try common.timeout(parameters["timeout"], spec)
        domains =
            if let file = parameters["domains"] {
                try KnownDomains(file: String(decoding: file, as: UTF8.self))
            } else {
                try KnownDomains(settings.root.control)
            }
    }

    /// `HOST:PORT`, where an IPv6 address stands in brackets.
    private static func place(_ text: [UInt8]) -> (host: [UInt8], port: UInt16)? {
        if let endpoint = Endpoint(text) {
            return endpoint.port > 0
                ? (Array(endpoint.address.description.utf8), endpoint.port) : nil
        }
        guard let colon = text.lastIndex(of: 0x3A), PathSyntax.isDomain(text[..<colon]),
            let port = text[(colon + 1)...].decimalValue.flatMap(UInt16.init(exactly:)), port > 0
        else { return nil }
        return (Array(text[..<colon]), port)
    }

    mutating func find(
        _ mailbox: Mailbox, _ trail: inout SourceTrail
    ) throws(SourceError) -> Presence {
        guard let domain = mailbox.domain else { return .unknownDomain }
        do throws(ControlError) {
            guard try domains.contains(domain) else { return .unknownDomain }
        } catch {
            throw .unusable(error)
        }
        // The next server knows its own extensions.
        let answer: CalloutAnswer?
        do throws(CalloutError) {
            answer = try server.ask(mailbox, deadline: .after(timeout))
        } catch {
            throw .unreachable(source: label, reason: "\(error)")
        }
        trail.note("RCPT \(mailbox): \(answer?.reply.description ?? "cannot be sent as a path")")
        return switch answer {
        case .exists?: .exists(.elsewhere)
        case .overQuota?: settings.examinesQuota ? .overQuota(.elsewhere) : .exists(.elsewhere)
        case .disabled?: .refused
        case .noSuchMailbox?, nil: .noSuchMailbox
        }
    }
}
