// SpamOptions: the options of spam-check.
// spam-check(8).
// SPDX-License-Identifier: MIT

import Control
import FilterKit
import MailModel
import SpamScoring

/// What to do with a message that is too large to be shown whole.
enum OnOversize: String, CaseIterable {
    /// Show the beginning of each part; what is too large even then is deferred.
    case cut
    case `defer`
    case reject
    /// Fails open: what nobody looked at passes.
    case accept

    /// Nil where the server is asked all the same.
    func verdict(
        _ request: borrowing Request, _ marks: SpamMarks
    ) throws(FilterError) -> Verdict? {
        switch self {
        case .cut: nil
        case .defer: Refusals.tooLarge
        case .reject: Refusals.tooLargeForGood
        case .accept: .accept(try marks.edits(unknown: "too large", request))
        }
    }
}

/// The options, read.
struct SpamOptions {
    static let declared: [Usage.Option] = [
        .values("spamd", "SOCKET|HOST:PORT", "ask this spamd; several in order"),
        .values("rspamd", "URL|SOCKET", "ask this rspamd; several in order"),
        .value("tag", "SCORE", "mark from here on, or `spam`: what the server calls so (spam)"),
        .value("defer", "SCORE", "defer from here on"),
        .value("reject", "SCORE", "refuse from here on"),
        .value("discard", "SCORE", "drop from here on"),
        .value("actions", "WHOSE", "rspamd, or score: only the options above"),
        .value("user", "NAME", "whose settings spamd uses: recipient, local-part, or a name"),
        .value("default-user", "NAME", "whose, where recipients have different ones"),
        .value("size-limit", "SIZE", "show larger messages in part (512K; rspamd: 32M)"),
        .value("on-oversize", "ACTION", "cut (the default), defer, reject or accept"),
        .value("timeout", "TIME", "for all servers together (60s)"),
        .value("fields", "WHICH", "X-Spam fields for all mail (the default), spam or none"),
        .flag("rspamd-fields", "also add and remove the fields that rspamd wants"),
        .value("subject", "TEXT", "put this before the Subject of spam"),
        .value("received", "WHEN", "show spamd a Received field: auto, always or never"),
        .values("resolver", "ADDRESS[:PORT]", "ask this resolver for names of servers"),
        .root,
    ]

    enum Server {
        case spamd
        /// In the order of the places.
        case rspamd([RspamdURL])
    }

    enum Actions: String, CaseIterable {
        case rspamd
        case score
    }

    let kind: Server
    let places: [ServerPlace]
    let thresholds: Thresholds
    let user: SpamUser
    let sizeLimit: Int
    let onOversize: OnOversize
    let timeout: Duration
    let marks: SpamMarks
    let trace: TraceUse

    init(_ options: Options) throws(UsageError) {
        let spamd = options.allBytes("spamd")
        let rspamd = options.allBytes("rspamd")
        guard spamd.isEmpty != rspamd.isEmpty else {
            throw UsageError("either --spamd or --rspamd says whom to ask")
        }
        try SpamOptions.refuse(spamd.isEmpty ? "rspamd" : "spamd", options)
        if rspamd.isEmpty {
            kind = .spamd
            places = try spamd.map { bytes throws(UsageError) in
                guard let place = ServerPlace(bytes, defaultPort: 783) else {
                    throw UsageError("--spamd \(bytes.printable): neither a path nor HOST:PORT")
                }
                return place
            }
        } else {
            let urls = try rspamd.map { bytes throws(UsageError) in try RspamdURL(bytes) }
            kind = .rspamd(urls)
            places = urls.map(\.place)
        }
        let actions = try options.choice("actions", Actions.self)
        thresholds = try Thresholds(options, followsServer: actions.map { $0 == .rspamd })
        user = SpamUser(
            kind: options.bytes("user").map(SpamUser.Kind.init) ?? .nobody,
            fallback: options.bytes("default-user"))
        sizeLimit =
            try options.read("size-limit", "a size from 64K to 1G") { text in
                Quantity.bytes(text).flatMap { (64 << 10...1 << 30).contains($0) ? $0 : nil }
            } ?? (rspamd.isEmpty ? 512 << 10 : 32 << 20)
        onOversize = try options.choice("on-oversize", OnOversize.self) ?? .cut
        timeout =
            try options.read("timeout", "a duration from 1s to 9m") { text in
                Quantity.duration(text).flatMap {
                    (.seconds(1)...Duration.seconds(540)).contains($0) ? $0 : nil
                }
            } ?? .seconds(60)
        marks = SpamMarks(
            kind: try options.choice("fields", SpamMarks.Kind.self) ?? .all,
            subject: try SpamOptions.subject(options), takesFields: options.has("rspamd-fields"))
        trace = try options.choice("received", TraceUse.self) ?? (rspamd.isEmpty ? .auto : .never)
    }

    /// True when names must be looked up.
    var usesNames: Bool {
        places.contains { if case .host = $0 { true } else { false } }
    }

    /// What only the other server understands.
    private static func refuse(_ server: String, _ options: Options) throws(UsageError) {
        let others =
            server == "spamd"
            ? ["actions", "rspamd-fields"] : ["user", "default-user", "received"]
        if let name = others.first(where: options.has) {
            throw UsageError("--\(name) is not for --\(server)")
        }
    }

    private static func subject(_ options: Options) throws(UsageError) -> [UInt8]? {
        try options.read("subject", "one line of printable ASCII") { text in
            text.allSatisfy { (0x20...0x7E).contains($0) } && !text.isEmpty ? text : nil
        }
    }
}

/// `http://HOST:PORT/PATH`, or the path of a Unix socket.
struct RspamdURL {
    let place: ServerPlace
    /// `/checkv2`, unless another is named.
    let path: String
    /// What field Host says.
    let host: String

    init(_ bytes: [UInt8]) throws(UsageError) {
        let scheme = Array("http://".utf8)
        if bytes.first == 0x2F {
            place = .local(String(decoding: bytes, as: UTF8.self))
            path = "/checkv2"
            host = "localhost"
            return
        }
        let rest = bytes.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != 0x2F }
        let after = rest[authority.endIndex...]
        guard bytes.starts(with: scheme),
            let place = ServerPlace(Array(authority), defaultPort: 11333),
            after.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw UsageError(
                "--rspamd \(bytes.printable): neither http://HOST:PORT nor the path of a socket")
        }
        self.place = place
        path = after.count > 1 ? String(decoding: after, as: UTF8.self) : "/checkv2"
        host = String(decoding: authority, as: UTF8.self)
    }
}
