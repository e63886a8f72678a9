// StandardDescriptors: 0 to 2, which are message, envelope and log whoever has these numbers.
// open(2), flag O_PATH.
// SPDX-License-Identifier: MIT

import CUnix
import Glibc

/// What a process began with.
public enum StandardDescriptors {
    /// Sees to it that no file of ours gets a number from 0 to 2. What is put in the place of a
    /// missing 0 or 1 can neither be read nor written, so that no message comes from nowhere and
    /// none goes there; what is written to 2 is lost. What we start gets them too.
    public static func fill() {
        while true {
            var number = open("/dev/null", cunix_O_PATH)
            if number == 2 {
                close(number)
                number = open("/dev/null", O_WRONLY)
            }
            guard number < 0 || number > 2 else { continue }
            if number > 2 { close(number) }
            return
        }
    }

    /// True where this number was missing.
    public static func isMissing(_ number: Int32) -> Bool {
        let flags = fcntl(number, F_GETFL)
        return flags < 0 || flags & cunix_O_PATH != 0
    }
}
