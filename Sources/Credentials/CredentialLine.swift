// CredentialLine: a line of control/auth while it is read.
// auth-sources(5).
// SPDX-License-Identifier: MIT

import Control
import MailModel
import UnixIO

/// What is left of a line while it is read: words divided by blanks, which quotes group, and options
/// in front.
struct CredentialLine {
    private let file: String
    private let number: Int
    private var rest: ArraySlice<UInt8>
    private var options: [String: String] = [:]

    init(_ line: ControlLine, file: String) {
        self.file = file
        number = line.number
        rest = line.bytes[...].trimmed
    }

    /// An error about the line. What the line holds may be secret, and is not shown.
    func invalid(_ reason: String) -> ControlError {
        .invalid(file: file, line: number, reason: reason)
    }

    /// - Throws: `ControlError` when others may read the file, which must not be where a line holds a
    ///   password.
    func checkIsSecret() throws(ControlError) {
        do throws(SystemError) {
            guard let status = try Files.status(file), status.st_mode & 0o007 != 0 else { return }
        } catch { throw .unreadable(error) }
        throw invalid("there is a password in it, and others may read the file: chmod o= \(file)")
    }

    /// Everything up to the end.
    mutating func remainder() -> [UInt8] {
        defer { rest = [] }
        return Array(rest)
    }

    /// The next word; nil at the end. `"` and `'` group, nothing is expanded.
    mutating func word() throws(ControlError) -> String? {
        guard !rest.isEmpty else { return nil }
        var word: [UInt8] = []
        var quote: UInt8?
        while let byte = rest.popFirst() {
            if let open = quote {
                if byte == open { quote = nil } else { word.append(byte) }
            } else if byte == 0x22 || byte == 0x27 {
                quote = byte
            } else if byte.isBlank {
                break
            } else {
                word.append(byte)
            }
        }
        rest = rest.trimmed
        guard quote == nil else { throw invalid("a quote has no end") }
        guard let text = String(validating: word, as: UTF8.self), !word.contains(0) else {
            throw invalid("not UTF-8")
        }
        return text
    }

    /// All words that are left.
    mutating func words() throws(ControlError) -> [String] {
        var words: [String] = []
        while let word = try word() { words.append(word) }
        return words
    }

    /// Takes options from the front.
    mutating func readOptions(_ names: [String]) throws(ControlError) {
        while let end = rest.firstIndex(of: 0x3D) {
            let name = String(decoding: rest[..<end], as: UTF8.self)
            guard rest[..<end].allSatisfy(\.isASCIILetter), !name.isEmpty else { return }
            guard names.contains(name) else {
                let near = Usage.nearest(to: name, among: names).first
                // In front of a connection string, a word of that looks like an option.
                throw invalid(
                    "no option \(name)=; " + (near.map { "did you mean \($0)=?" } ?? known(names)))
            }
            rest = rest[(end + 1)...]
            let value = try word() ?? ""
            guard !value.isEmpty else { throw invalid("\(name)= needs a value") }
            guard options.updateValue(value, forKey: name) == nil else {
                throw invalid("\(name)= is given twice")
            }
        }
    }

    private func known(_ names: [String]) -> String {
        "there may be " + names.map { "\($0)=" }.joined(separator: ", ")
    }

    /// The value of an option.
    subscript(option: String) -> String? { options[option] }

    /// True for `yes`, false for `no`.
    func flag(_ name: String, otherwise: Bool = false) throws(ControlError) -> Bool {
        switch options[name] {
        case "yes"?: true
        case "no"?: false
        case nil: otherwise
        case _?: throw invalid("\(name)= is yes or no")
        }
    }

    /// The time limit of `timeout=`, ten seconds without it.
    func timeout() throws(ControlError) -> Duration {
        guard let text = options["timeout"] else { return .seconds(10) }
        guard let time = Quantity.duration(Array(text.utf8)),
            (.milliseconds(10)...Duration.seconds(300)).contains(time)
        else { throw invalid("timeout= is a duration from 10ms to 5m") }
        return time
    }

    /// The one word that is left: an absolute path.
    mutating func path(_ name: String, defaultPath: String?) throws(ControlError) -> String {
        let words = try words()
        guard words.count <= 1 else { throw invalid("more than one \(name)") }
        guard let path = words.first ?? defaultPath else { throw invalid("\(name) is missing") }
        return try absolute(path, name)
    }

    /// A path that must not depend on the folder that a service was started in.
    func absolute(_ path: String, _ name: String) throws(ControlError) -> String {
        guard path.hasPrefix("/") else { throw invalid("\(name) is a path that begins with /") }
        return path
    }
}
