// sts-fetch: gets the MTA-STS policy of a domain by HTTPS.
// sts-fetch(8); RFC 8461, section 3.3.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import HTTPS
import MailModel
import Resolver
import UnixIO

@main
struct STSFetch {
    /// sysexits(3).
    enum Exit: Int32 {
        case usage = 64
        case noAnswer = 69
        case badAnswer = 76
        case notTrusted = 77
        case badConfiguration = 78
    }

    static let usage = Usage(
        "sts-fetch", "Gets the MTA-STS policy of a domain.", operands: "DOMAIN",
        [
            .value("authorities", "FILE", "who may vouch for the host, in PEM"),
            .value("port", "PORT", "the port of the host, instead of 443"),
            .values("resolver", "ADDRESS", "the DNS resolver to ask"),
            .value("timeout", "DURATION", "for all of it, 1s to 10m (60s)"),
            .root,
        ])

    static func main() {
        let options = usage.parseOrExit(misuse: Exit.usage.rawValue)
        do {
            let policy = try policy(options)
            try Descriptor(rawValue: 1).writeAll(policy, "standard output")
        } catch let error as UsageError {
            usage.fail("\(error)", Exit.usage.rawValue)
        } catch SecureGetError.notTrusted(let reason) {
            usage.fail(reason, Exit.notTrusted.rawValue)
        } catch let error as BadAnswer {
            usage.fail(error.reason, Exit.badAnswer.rawValue)
        } catch SecureGetError.tooLong {
            usage.fail("the policy exceeds 64 KiB", Exit.badAnswer.rawValue)
        } catch let error as ControlError {
            usage.fail("\(error)", Exit.badConfiguration.rawValue)
        } catch {
            usage.fail("\(error)", Exit.noAnswer.rawValue)
        }
    }

    private struct BadAnswer: Error {
        let reason: String
    }

    private static func policy(_ options: Options) throws -> [UInt8] {
        guard options.operands.count == 1, let domain = options.operands.first,
            !domain.isEmpty, domain.utf8.count <= 244, domain.utf8.allSatisfy(isOfHostName)
        else { throw UsageError("one domain is wanted") }
        let root = Root(options)
        let limit = try options.duration("timeout") ?? .seconds(60)
        guard (Duration.seconds(1) ... .seconds(600)).contains(limit) else {
            throw UsageError("--timeout: from 1s to 10m")
        }
        let deadline = Deadline.after(limit)
        let host = "mta-sts.\(domain)"
        var get = SecureGet(
            "/.well-known/mta-sts.txt", of: host,
            at: try addresses(of: host, try Resolver.configured(options, root.control), deadline),
            authorities: options["authorities"] ?? "/etc/ssl/certs/ca-certificates.crt")
        get.port = try options.integer("port", in: 1...65_535).flatMap(UInt16.init(exactly:)) ?? 443
        get.timeLimit = deadline.remaining
        return try policy(get)
    }

    /// RFC 8461, section 3.3: 200 and nothing else, as text, and no other place is looked at.
    private static func policy(_ get: SecureGet) throws -> [UInt8] {
        let answer = try get.answer()
        guard answer.status == 200 else {
            throw BadAnswer(reason: "\(get.host): status \(answer.status) instead of 200")
        }
        guard answer.mediaType == "text/plain" else {
            throw BadAnswer(reason: "\(get.host): not text/plain: \(answer.mediaType)")
        }
        return answer.body
    }

    private static func addresses(
        of host: String, _ resolver: Resolver, _ deadline: Deadline
    ) throws -> [IPAddress] {
        let name = Array(host.utf8)
        var failure: ResolverError?
        var addresses: [IPAddress] = []
        for isVersion4 in [true, false] {
            do throws(ResolverError) {
                addresses +=
                    try isVersion4
                    ? resolver.a(name, deadline: deadline).values
                    : resolver.aaaa(name, deadline: deadline).values
            } catch {
                failure = error
            }
        }
        guard !addresses.isEmpty else {
            throw SecureGetError.failed(failure.map { "\(host): \($0)" } ?? "\(host): no address")
        }
        return Array(addresses.prefix(10))
    }

    private static func isOfHostName(_ byte: UInt8) -> Bool {
        byte.isASCIIDigit || byte.isASCIILetter || byte == 0x2D || byte == 0x2E || byte == 0x5F
    }
}
