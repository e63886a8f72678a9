// TLSConfiguration: what the files and options say of TLS.
// smtp-server(8), section TLS.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import TLS
import UnixIO

/// The control files for TLS, and the folder of keys and certificates.
struct TLSConfiguration {
    private let folder: String
    private let settings: TLS.ServerSettings

    /// Reads the control files.
    /// - Throws: `ControlError`.
    init(_ options: ServerOptions) throws(ControlError) {
        let control = options.root.control
        folder = options.root.tls
        var settings = TLS.ServerSettings()
        if let versions = try TLSConfiguration.versions(control) { settings.versions = versions }
        if let line = try control.line("tlsserverciphers") {
            settings.ciphers = try TLSConfiguration.using("tlsserverciphers", 1, control) {
                () throws(TLSError) in try CipherList(line.printable)
            }
        }
        if let authorities = try control.contents("clientca.pem") {
            try TLSConfiguration.using("clientca.pem", nil, control) {
                () throws(TLSError) in try settings.trust(authorities)
            }
        }
        if let revoked = try control.contents("clientcrl.pem") {
            try TLSConfiguration.using("clientcrl.pem", nil, control) {
                () throws(TLSError) in try settings.distrust(revoked)
            }
        }
        let isAsked = options.clientCertificates ?? (settings.authorities == nil ? .none : .ask)
        settings.clientCertificates = isAsked
        self.settings = settings
    }

    /// The keys and certificates that there are.
    /// - Throws: `ControlError`, also when there is none and one is needed.
    func context(
        me: [UInt8], _ tickets: TicketKeys?, isNeeded: Bool
    ) throws(ControlError) -> ServerContext? {
        var settings = settings
        settings.tickets = tickets
        let folder = CertificateFolder(folder)
        let context = try folder.context(me: me.printable, settings)
        guard context != nil || !isNeeded else {
            throw .invalid(
                file: self.folder, line: nil, reason: "smtps needs a certificate, and here is none")
        }
        return context
    }

    /// Makes a first certificate where there is none. That it cannot be made matters only where it
    /// is needed: without it there is no STARTTLS, and the log says so.
    /// - Throws: `ControlError`.
    static func begin(_ options: ServerOptions, isNeeded: Bool, _ log: Log) throws(ControlError) {
        let me = try options.root.control.me().printable
        // What is wrong is said before anything is made.
        _ = try TLSConfiguration(options)
        do throws(ControlError) {
            guard let file = try SelfSigned.make(for: me, in: options.root.tls) else { return }
            log.event("certificate-made", ["file": file])
        } catch {
            if isNeeded { throw error }
            log.event("tls-off", ["error": "\(error)"])
        }
    }

    /// `tlsprotocols`: the versions that are spoken, one a line.
    private static func versions(
        _ control: ControlFolder
    ) throws(ControlError) -> ClosedRange<TLSVersion>? {
        guard let lines = try control.list("tlsprotocols") else { return nil }
        let versions = try lines.map { line throws(ControlError) in
            guard let version = TLSVersion(rawValue: line.bytes.printable) else {
                throw control.invalid(
                    "tlsprotocols", line.number,
                    "\(line.bytes.printable): not TLSv1.2 or TLSv1.3; others are not spoken")
            }
            return version
        }
        guard let lowest = versions.min(), let highest = versions.max() else {
            throw control.invalid("tlsprotocols", nil, "it names no version")
        }
        return lowest...highest
    }

    private static func using<Value>(
        _ file: String, _ line: Int?, _ control: ControlFolder, _ body: () throws(TLSError) -> Value
    ) throws(ControlError) -> Value {
        do {
            return try body()
        } catch {
            throw control.invalid(file, line, "\(error)")
        }
    }
}
