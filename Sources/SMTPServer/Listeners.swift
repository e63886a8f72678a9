// Listeners: the sockets that a server listens on, and what is spoken on each.
// smtp-server(8), section Services; sd_listen_fds(3).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// Open sockets in an order that stays: workers know a listener by its index.
struct Listeners: ~Copyable {
    private var sockets: [Int32] = []
    /// What is spoken on each.
    private(set) var profiles: [ListenerProfile] = []

    /// Opens those of the command line; else takes those that were passed; else opens those of
    /// `control/listen`.
    /// - Throws: `UsageError`, `ControlError`, `SystemError`.
    init(_ options: ServerOptions) throws {
        if options.listeners.isEmpty, let passed = Listeners.passedCount {
            try take(passed, options)
        } else {
            try open(
                options.listeners.isEmpty
                    ? Listeners.configured(options.root.control) : options.listeners)
        }
    }

    deinit { for socket in sockets { _ = OwnedDescriptor(socket) } }

    var borrowed: [Descriptor] { sockets.map { Descriptor(rawValue: $0) } }

    /// What is spoken where, with the ports that the kernel chose, in the form of `--listen`.
    var description: String {
        zip(borrowed, profiles).compactMap { socket, profile in
            guard let endpoint = InternetSocket.localEndpoint(of: socket),
                let address = IPAddress(bytes: endpoint.address)
            else { return nil }
            return "\(profile.service.rawValue)=\(Endpoint(address, port: endpoint.port))"
        }.joined(separator: " ")
    }

    private mutating func open(_ wanted: [ListenOption]) throws(SystemError) {
        let any4 = IPAddress("0.0.0.0")
        for option in wanted {
            let endpoint = option.endpoint
            // `[::]` takes IPv4 too, unless that has a line of its own.
            let isShared = wanted.contains {
                $0.endpoint.port == endpoint.port && $0.endpoint.address == any4
            }
            let address = InternetEndpoint(address: endpoint.address.bytes, port: endpoint.port)
            guard let address else { continue }
            sockets.append(
                try InternetSocket.listen(
                    on: address, "\(endpoint)", isVersion6Only: isShared
                ).take())
            profiles.append(ListenerProfile(service: option.service))
        }
    }

    private mutating func take(_ count: Int32, _ options: ServerOptions) throws {
        sockets = Array(3..<(3 + count))
        profiles = try Listeners.passedServices(Int(count), options).map {
            ListenerProfile(service: $0)
        }
        for socket in borrowed {
            try InternetSocket.setPatience(of: socket, .seconds(1), "passed socket")
            guard Listeners.listens(socket) else {
                throw UsageError(
                    "LISTEN_FDS: descriptor \(socket.rawValue) is no TCP socket that listens")
            }
        }
    }

    /// False for a connection, a socket of another family, and one of datagrams.
    private static func listens(_ socket: Descriptor) -> Bool {
        var (answer, length) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
        return getsockopt(socket.rawValue, SOL_SOCKET, SO_ACCEPTCONN, &answer, &length) == 0
            && answer == 1 && InternetSocket.localEndpoint(of: socket) != nil
    }

    /// How many sockets systemd passed, from descriptor 3 on; nil when it passed none to us.
    private static var passedCount: Int32? {
        guard let count = Environment.text("LISTEN_FDS").flatMap(Int32.init), count > 0,
            count < 1000, Environment.text("LISTEN_PID").flatMap(Int32.init) == getpid()
        else { return nil }
        return count
    }

    /// The services that the sockets' names are. Where nobody named them all are that of
    /// `--service`.
    private static func passedServices(
        _ count: Int, _ options: ServerOptions
    ) throws(UsageError) -> [ListenerService] {
        guard !options.namesService, let text = Environment.text("LISTEN_FDNAMES") else {
            return Array(repeating: options.service, count: count)
        }
        let names = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let services = names.compactMap(ListenerService.init(rawValue:))
        guard services.count == names.count, services.count == count else {
            let known = ListenerService.allCases.map(\.rawValue).joined(separator: ", ")
            throw UsageError(
                "LISTEN_FDNAMES \(text): not the services of \(count) sockets; "
                    + "FileDescriptorName= is one of \(known)")
        }
        return services
    }

    private static func configured(
        _ control: ControlFolder
    ) throws(ControlError) -> [ListenOption] {
        let listeners = try control.listeners()
        guard !listeners.isEmpty else {
            throw control.invalid(
                "listen", nil, "nothing to listen on; a line is smtp ADDRESS:PORT")
        }
        return listeners.map { ListenOption($0) }
    }
}
