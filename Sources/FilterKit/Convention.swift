// Convention: how a filter is called and how it answers.
// filter-protocol(7), section CONVENTIONS.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// The conventions, in the order in which they are recognised.
public enum Convention: String, CaseIterable, Sendable {
    /// A pool of workers behind a socket: `--serve`.
    case resident
    /// `qmail-queue`'s: message on 0, envelope on 1, and a next program to become.
    case queue
    /// filter-chain's: message on 0, envelope on 3, a record to `FILTER_VERDICT_FD`.
    case chain
    /// qmail-qfilter's: message on 0, envelope on 3, an edited message to 1, an edited envelope
    /// to 4.
    case qfilter
    /// A shell's: message on 0, edited message to 1.
    case shell

    /// The variables that mark a convention.
    public static let variables = Facts.conventionVariables

    /// The marks of this process's environment.
    static var marks: [(name: String, value: [UInt8])] {
        variables.compactMap { name in Environment.bytes(name).map { (name, $0) } }
    }

    /// Removes the marks from this process's own environment, once they were read.
    static func forget() {
        for variable in variables { unsetenv(variable) }
    }

    /// What this process was called by.
    static func recognised(serves: Bool, hasNext: Bool) -> Convention {
        if serves { return .resident }
        if hasNext { return .queue }
        if Environment.bytes("FILTER_STAGE") != nil { return .chain }
        let marksQfilter = ["QMAILPPID", "NUMRCPTS"].allSatisfy { Environment.bytes($0) != nil }
        if marksQfilter, isReadableFile(3) { return .qfilter }
        return .shell
    }

    /// True where descriptor 1 is something to read, as a queue's envelope is and the output of
    /// a shell is not: open for reading alone, or a readable file with something left in it. A
    /// terminal and a socket can be read and written.
    static var outputIsEnvelope: Bool {
        let flags = fcntl(1, F_GETFL)
        guard !StandardDescriptors.isMissing(1) else { return false }
        if flags & O_ACCMODE == O_RDONLY { return true }
        var status = stat()
        return isReadableFile(1) && fstat(1, &status) == 0
            && lseek(1, 0, SEEK_CUR) < status.st_size
    }

    /// True where descriptors 3 and 4 are what qmail-qfilter makes them: on 4 there is no pipe,
    /// in which a client would take an envelope for a reason.
    static var hasEnvelopeFiles: Bool { isReadableFile(3) && isFile(4, unless: O_RDONLY) }

    private static func isReadableFile(_ number: Int32) -> Bool {
        isFile(number, unless: O_WRONLY)
    }

    private static func isFile(_ number: Int32, unless mode: Int32) -> Bool {
        let flags = fcntl(number, F_GETFL)
        guard flags >= 0, flags & O_ACCMODE != mode else { return false }
        var status = stat()
        return fstat(number, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }
}
