// TLSClientConfiguration: what the files say of TLS with hosts that mail goes to.
// deliver-remote(8), section TLS; tlspolicy(5).
// SPDX-License-Identifier: MIT

public import Control
import MailModel
public import Resolver
import TLS
import UnixIO

/// The control files for TLS. Read once, before workers are made, which share it.
public struct TLSClientConfiguration {
    /// Who vouches for hosts where `control/serverca.pem` does not say.
    public static let systemAuthorities = "/etc/ssl/certs/ca-certificates.crt"

    let policies: TLSPolicies
    /// For hosts of which something is asked.
    let strict: ClientContext
    /// For those with whom anything is better than nothing.
    let lenient: ClientContext
    /// Where policies and results are kept.
    let folder: String
    let fetcher: STSFetcher
    let isReporting: Bool

    /// Reads the files. `stsPort` is the port of the hosts that have policies of MTA-STS, 443
    /// without.
    /// - Throws: `ControlError` with the file that cannot be used.
    public init(_ root: Root, _ resolver: Resolver, stsPort: Int? = nil) throws(ControlError) {
        let control = root.control
        policies = try TLSPolicies(control, isValidating: resolver.isValidating)
        folder = "\(root.spool)/tls"
        isReporting = try control.integer("tlsreport") != 0
        let credential = try TLSClientConfiguration.credential(control)
        let (file, authorities) = try TLSClientConfiguration.authorities(control)
        lenient = try TLSClientConfiguration.using(control, "clientcert.pem") {
            () throws(TLSError) in
            try ClientContext(
                ClientSettings(ciphers: .lenient, authorities: nil, credential: credential))
        }
        let ciphers = try TLSClientConfiguration.ciphers(control)
        strict = try TLSClientConfiguration.using(control, file) { () throws(TLSError) in
            try ClientContext(
                ClientSettings(
                    ciphers: ciphers, authorities: authorities, credential: credential))
        }
        var arguments = root.arguments + ["--authorities", file]
        for server in resolver.servers { arguments += ["--resolver", "\(server)"] }
        if let stsPort { arguments += ["--port", "\(stsPort)"] }
        fetcher = STSFetcher(program: Programs.find("sts-fetch"), arguments: arguments)
    }

    /// `clientcert.pem`: who we are, for hosts that ask.
    private static func credential(_ control: ControlFolder) throws(ControlError) -> Credential? {
        guard let pem = try control.contents("clientcert.pem") else { return nil }
        return try using(control, "clientcert.pem") { () throws(TLSError) in
            try Credential(pem: pem)
        }
    }

    /// `tlsclientciphers`, as in qmail with TLS.
    private static func ciphers(_ control: ControlFolder) throws(ControlError) -> CipherList {
        guard let line = try control.line("tlsclientciphers") else { return CipherList() }
        return try using(control, "tlsclientciphers") { () throws(TLSError) in
            try CipherList(line.printable)
        }
    }

    /// `serverca.pem`, else the system's. A host without either verifies nobody.
    private static func authorities(
        _ control: ControlFolder
    ) throws(ControlError) -> (file: String, pem: [UInt8]?) {
        if let own = try control.contents("serverca.pem") {
            return (control.file("serverca.pem"), own)
        }
        do throws(SystemError) {
            return (systemAuthorities, try Files.contents(of: systemAuthorities))
        } catch  where error.errno == .noSuchFileOrDirectory {
            return (systemAuthorities, nil)
        } catch {
            throw .unreadable(error)
        }
    }

    private static func using<Value>(
        _ control: ControlFolder, _ file: String, _ body: () throws(TLSError) -> Value
    ) throws(ControlError) -> Value {
        do {
            return try body()
        } catch {
            let path = file.hasPrefix("/") ? file : control.file(file)
            throw .invalid(file: path, line: nil, reason: "\(error)")
        }
    }
}
