// TLSPolicy: what the administrator asks of TLS with a destination.
// tlspolicy(5).
// SPDX-License-Identifier: MIT

import Control
import MailModel
import TLS

/// How much is asked.
enum TLSLevel: String, CaseIterable {
    /// All goes in clear.
    case none
    /// TLS where it is offered; whatever goes wrong with it, mail goes in clear.
    case may
    /// TLS, with whomever.
    case encrypt
    /// What the destination says of itself by DANE, else by MTA-STS, else `may`.
    case auto
    /// What it says by DANE, else `may`.
    case dane
    /// DANE, and nothing else.
    case daneOnly = "dane-only"
    /// DANE or MTA-STS, and nothing else.
    case secure
    /// TLS with a certificate that an authority has made for one of these names.
    case verify
    /// TLS with a certificate or key of one of these digests.
    case fingerprint
}

/// What a value of the file is not.
struct TLSPolicyError: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}

/// One line of `control/tlspolicy` without its key.
struct TLSPolicy: Equatable {
    /// What holds where no line does.
    static let standard = TLSPolicy(level: .auto)

    let level: TLSLevel
    /// For `verify`; none: the destination's own.
    var names: [String] = []
    /// For `fingerprint`.
    var pins: [CertificatePin] = []

    private init(level: TLSLevel) { self.level = level }

    /// Reads `LEVEL WORD ...`.
    init(_ value: [UInt8]) throws(TLSPolicyError) {
        let words = value.split(whereSeparator: \.isBlank).map { $0.asciiLowercased.printable }
        guard let first = words.first, let level = TLSLevel(rawValue: first) else {
            let known = TLSLevel.allCases.map(\.rawValue).joined(separator: ", ")
            throw TLSPolicyError("no level \(words.first ?? ""); there are \(known)")
        }
        self.init(level: level)
        let rest = words.dropFirst()
        switch level {
        case .verify:
            names = Array(rest)
            if let bad = names.first(where: { !TLSPolicy.isName($0) }) {
                throw TLSPolicyError("not a name or .suffix: \(bad)")
            }
        case .fingerprint:
            for word in rest { pins.append(try TLSPolicy.pin(word)) }
            guard !pins.isEmpty else {
                throw TLSPolicyError("fingerprint wants cert=DIGEST or key=DIGEST")
            }
        default:
            guard rest.isEmpty else {
                throw TLSPolicyError("nothing may follow \(level.rawValue)")
            }
        }
    }

    private static func isName(_ word: String) -> Bool {
        HostName.isFit(word.hasPrefix(".") ? word.dropFirst() : word[...])
    }

    private static func pin(_ word: String) throws(TLSPolicyError) -> CertificatePin {
        let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
        let digits = parts.last?.filter { $0 != ":" }.map(\.hexDigitValue) ?? []
        guard parts.count == 2, let kind = CertificatePin.Kind(rawValue: parts[0]),
            digits.count == 64, !digits.contains(nil)
        else {
            throw TLSPolicyError("not cert= or key= and a SHA-256 of 64 digits: \(word)")
        }
        let values = digits.compactMap(\.self)
        let bytes = stride(from: 0, to: values.count - 1, by: 2).map { index in
            UInt8(truncatingIfNeeded: values[index] << 4 | values[index + 1])
        }
        guard let pin = CertificatePin(kind, bytes) else {
            throw TLSPolicyError("not a SHA-256: \(word)")
        }
        return pin
    }
}

/// All lines of the file.
struct TLSPolicies: Sendable {
    private let lines: ControlMap

    /// Reads the file; none is no line.
    /// - Throws: `ControlError` for a line that is not of its form, and for one that wants DANE
    ///   where nobody validates: mail must not go with less than was asked.
    init(_ control: ControlFolder, isValidating: Bool) throws(ControlError) {
        let file = "tlspolicy"
        let lines = try control.list(file) ?? []
        for line in lines {
            guard let colon = line.bytes.firstIndex(of: 0x3A) else {
                throw control.invalid(file, line.number, "not DESTINATION:LEVEL")
            }
            let policy: TLSPolicy
            do throws(TLSPolicyError) {
                policy = try TLSPolicy(Array(line.bytes[(colon + 1)...]))
            } catch {
                throw control.invalid(file, line.number, error.reason)
            }
            guard isValidating || ![.dane, .daneOnly].contains(policy.level) else {
                throw control.invalid(
                    file, line.number,
                    "DANE needs a resolver that validates; control/resolver names none")
            }
        }
        self.lines = ControlMap(colonLines: lines.map(\.bytes))
    }

    /// What holds for a host of a domain: the line of the domain, else of its longest `.suffix`,
    /// else that of the host, else of the host's longest `.suffix`, else the one with the empty
    /// key.
    func policy(domain: [UInt8], host: [UInt8]?) -> TLSPolicy {
        let value =
            lines.value(forDomain: domain) ?? host.flatMap(lines.value(forDomain:)) ?? lines[[]]
        // Every line was read before.
        return value.flatMap { try? TLSPolicy($0) } ?? .standard
    }
}

/// Names as hosts have them.
enum HostName {
    /// True for labels of letters, digits, hyphens and underscores.
    static func isFit(_ name: some StringProtocol) -> Bool {
        let labels = name.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
        return name.utf8.count <= 253
            && labels.allSatisfy { label in
                !label.isEmpty && label.count <= 63
                    && label.allSatisfy {
                        $0.isASCIILetter || $0.isASCIIDigit || $0 == 0x2D || $0 == 0x5F
                    }
            }
    }
}
