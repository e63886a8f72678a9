// Whom to ask: what an option says, else control/resolver, else the host's own resolvers.
// resolv.conf(5); chainmail(7), section FILES.
// SPDX-License-Identifier: MIT

public import Control
import MailModel
import UnixIO

extension Resolver {
    /// The port of a resolver that names none.
    public static let port: UInt16 = 53
    /// The most servers that are read from the host's file, as in resolv.conf(5).
    public static let maximumHostServers = 3

    /// The servers of a program: those given with `--resolver`, else the one of
    /// `control/resolver`, else the host's.
    /// - Throws: `UsageError` or `ControlError` for what is not an address, `SystemError` when a
    ///   file is there and cannot be read.
    public static func servers(_ options: Options, _ control: ControlFolder) throws -> [Endpoint] {
        let given = try options.all("resolver").map { text throws(UsageError) in
            guard let endpoint = Endpoint(text, defaultPort: port), endpoint.port > 0 else {
                throw UsageError("--resolver \(text): not ADDRESS or ADDRESS:PORT")
            }
            return endpoint
        }
        guard given.isEmpty else { return given }
        if let endpoint = try control.resolver() { return [endpoint] }
        return try hostServers()
    }

    /// The same as a resolver. It validates when it is that of `control/resolver` and that file says
    /// so; of any other nothing is believed.
    /// - Throws: as `servers`.
    public static func configured(
        _ options: Options, _ control: ControlFolder
    ) throws -> Resolver {
        let servers = try servers(options, control)
        let isTheFiles = options.all("resolver").isEmpty
        let isValidating = try isTheFiles && control.resolverLine()?.isValidating ?? false
        return Resolver(servers: servers, isValidating: isValidating)
    }

    /// The host's own servers: the `nameserver` lines of /etc/resolv.conf, else 127.0.0.1, which
    /// is also what a file that is missing means. Nothing else of the file is heeded: we always
    /// ask for whole names.
    /// - Throws: `SystemError` when the file is there and cannot be read.
    public static func hostServers(
        file: String = "/etc/resolv.conf"
    ) throws(SystemError) -> [Endpoint] {
        var text: [UInt8] = []
        do throws(SystemError) {
            text = try Files.contents(of: file, limit: 1 << 20)
        } catch  where error.errno == .noSuchFileOrDirectory {}
        let servers = list(resolvConf: text)
        guard servers.isEmpty else { return servers }
        return IPAddress(bytes: [127, 0, 0, 1]).map { [Endpoint($0, port: port)] } ?? []
    }

    static func list(resolvConf text: [UInt8]) -> [Endpoint] {
        let servers = text.split(separator: 0x0A).compactMap { line -> Endpoint? in
            let words = line.split { $0.isBlank || $0 == 0x0D }
            guard words.count >= 2, words[0].elementsEqual("nameserver".utf8) else { return nil }
            return IPAddress(words[1]).map { Endpoint($0, port: port) }
        }
        return Array(servers.prefix(maximumHostServers))
    }
}
