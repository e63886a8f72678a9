// UsersCompiler: makes a cdb of a users file.
// users(5), section DATABASE.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import Passwords
import UnixIO

/// Makes the database beside a users file: keys are logins with small letters, data what follows the
/// login in its line. The empty key says what it was made of.
enum UsersCompiler {
    /// Makes it of the file, or of another that will take its place.
    /// - Throws: `UsersError` with file and line for a bad line and a login that is there twice.
    static func compile(
        _ file: UsersFile, of path: String? = nil
    ) throws(UsersError) -> CompiledDatabase {
        let secret = try existingSecret(of: file) ?? LoginBytes.random
        let source = try controlled { () throws(ControlError) in
            let source = try LineFile(path ?? file.path)
            try UsersFile.checkMode(source.status, file.path)
            return source
        }
        let temporary = "\(file.database).new"
        CompiledDatabase.removeLeftovers(beside: temporary)
        var writer = try started(temporary)
        var seen: [[UInt8]: (count: Int, sample: [UInt8])] = [:]
        var count = 0
        var verifiers: [Int: Int] = [:]
        do throws(ConstantDatabaseWriter.Failure) {
            try writer.add([], UsersFile.format(size: Int(source.status.st_size)))
            try writer.add(UsersFile.secretKey, secret)
        } catch { throw failure(error, file) }
        while let user = try next(source, file) {
            count += 1
            if let iterations = user.iterations { verifiers[iterations, default: 0] += 1 }
            let field = user.passwordField
            if let cost = costs(field) {
                if seen[cost] == nil, isHash(field) { seen[cost] = (0, field) }
                seen[cost]?.count += 1
            }
            do throws(ConstantDatabaseWriter.Failure) {
                try writer.add(user.login, user.rest)
            } catch { throw failure(error, file) }
        }
        let decoy = seen.max { ($0.value.count, $1.key.count) < ($1.value.count, $0.key.count) }
        do throws(ConstantDatabaseWriter.Failure) {
            try writer.add(UsersFile.verifiersKey, summary(verifiers).utf8)
            if let decoy { try writer.add(UsersFile.decoyKey, decoy.value.sample) }
            try writer.commit(modified: source.status.st_mtim)
        } catch { throw failure(error, file) }
        return try CompiledDatabase(temporary, file.database, count: count, like: source.status)
    }

    /// How many there are, and the number of iterations of most of them.
    private static func summary(_ verifiers: [Int: Int]) -> String {
        let most = verifiers.max { ($0.value, $0.key) < ($1.value, $1.key) }
        return "\(verifiers.values.reduce(0, +)) \(most?.key ?? SCRAMVerifier.defaultIterations)"
    }

    private static func existingSecret(of file: UsersFile) throws(UsersError) -> [UInt8]? {
        // Whatever is wrong with an old database, a new one is made.
        guard let old = try? ConstantDatabase.ifPresent(file.database),
            let secret = try? old.value(for: UsersFile.secretKey), secret.count >= 32
        else { return nil }
        return secret
    }

    private static func started(_ path: String) throws(UsersError) -> ConstantDatabaseWriter {
        do throws(SystemError) {
            return try ConstantDatabaseWriter(replacing: path, mode: 0o600)
        } catch { throw .control(.unreadable(error)) }
    }

    private static func next(
        _ source: LineFile, _ file: UsersFile
    ) throws(UsersError) -> UserLine? {
        while let (number, line) = try controlled({ () throws(ControlError) in
            try source.next()
        }) {
            guard line.isUserLine else { continue }
            do throws(UserLine.Failure) { return try UserLine(line) } catch {
                throw .control(
                    .invalid(file: file.path, line: number, reason: error.description))
            }
        }
        return nil
    }

    /// What of a password field says how long a check takes: scheme, method, cost; nil where it is
    /// nothing that is computed.
    private static func costs(_ field: [UInt8]) -> [UInt8]? {
        guard let start = field.firstIndex(of: 0x24) else { return nil }
        let parts = field[start...].split(separator: 0x24)
        guard parts.count >= 2 else { return nil }
        let isCost = parts[1].count <= 6 || parts[1].starts(with: "rounds=".utf8)
        return Array(parts[0]) + (isCost ? [0x24] + Array(parts[1]) : [])
    }

    private static func isHash(_ field: [UInt8]) -> Bool {
        if case .crypt? = try? StoredPassword(field) { true } else { false }
    }

    private static func failure(
        _ failure: ConstantDatabaseWriter.Failure, _ file: UsersFile
    ) -> UsersError {
        switch failure {
        case .system(let error): .control(.unreadable(error))
        case .tooLarge:
            .control(.invalid(file: file.database, line: nil, reason: "a cdb has at most 4 GiB"))
        case .duplicate(let key): duplicate(key, file)
        }
    }

    /// Names the second line of a login. It is looked for in the file again.
    private static func duplicate(_ key: [UInt8], _ file: UsersFile) -> UsersError {
        var first: Int?
        if let source = try? LineFile(file.path) {
            while let (number, line) = try? source.next() {
                guard line.isUserLine, let user = try? UserLine(line), user.login == key else {
                    continue
                }
                if let first {
                    return .control(.duplicate(key, file.path, first: first, second: number))
                }
                first = number
            }
        }
        return .control(
            .invalid(file: file.path, line: nil, reason: "\(key.printable) is there twice"))
    }
}

private enum LoginBytes {
    static var random: [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<32).map { _ in generator.next() }
    }
}
