// smtp-server: receives mail by SMTP.
// smtp-server(8).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import SMTPServer
import UnixIO

@main
struct SMTPServerProgram {
    /// sysexits(3).
    private enum Exit {
        static let usage: Int32 = 64
        static let system: Int32 = 71
        static let configuration: Int32 = 78
    }

    static func main() {
        let given = ServerOptions.usage.parseOrExit(misuse: Exit.usage)
        do {
            let options = try ServerOptions(given)
            if !given.has("listen"), Server.hasClient {
                try Server.serveOne(options)
            } else {
                try Server.listen(options)
            }
        } catch let error as UsageError {
            ServerOptions.usage.fail("\(error)", Exit.usage)
        } catch let error as SystemError {
            ServerOptions.usage.fail("\(error)", Exit.system)
        } catch {
            ServerOptions.usage.fail("\(error)", Exit.configuration)
        }
    }
}
