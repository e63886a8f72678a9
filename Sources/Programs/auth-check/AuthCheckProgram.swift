// auth-check: verifies logins for smtp-server; the only one that sees password sources.
// auth-check(8).
// SPDX-License-Identifier: MIT

import AuthCheck
import Control
import Glibc
import UnixIO

@main
struct AuthCheckProgram {
    /// sysexits(3), but for a refusal.
    private enum Exit {
        static let refused: Int32 = 1
        static let usage: Int32 = 64
        static let system: Int32 = 71
        static let unavailable: Int32 = 75
        static let configuration: Int32 = 78
    }

    static func main() {
        let usage = AuthOptions.usage
        let given = usage.parseOrExit(misuse: Exit.usage)
        do {
            let options = try AuthOptions(given)
            if let login = options.checked {
                exit(try check(options, login))
            }
            try AuthServer.serve(options)
        } catch let error as UsageError {
            usage.fail("\(error)", Exit.usage)
        } catch let error as ControlError {
            usage.fail("\(error)", Exit.configuration)
        } catch {
            usage.fail("\(error)", Exit.system)
        }
    }

    private static func check(_ options: AuthOptions, _ login: [UInt8]) throws -> Int32 {
        let (answer, lines) = try PasswordCheck.run(options, login)
        let text = lines.isEmpty ? "nobody was asked\n" : lines.map { "\($0)\n" }.joined()
        try Descriptor(rawValue: 1).writeAll(Array(text.utf8), "standard output")
        return switch answer {
        case .accepted: 0
        case .refused, .unknown: Exit.refused
        case .unavailable: Exit.unavailable
        }
    }
}
