// NOOP: nothing. Whatever follows the verb is ignored.
// RFC 5321, section 4.1.1.9.
// SPDX-License-Identifier: MIT

extension ServerSession {
    func noop() -> SessionStep { .reply(.ok) }
}
