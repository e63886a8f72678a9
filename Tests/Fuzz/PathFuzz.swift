// PathFuzz: the grammar of paths, of literals, and of what parameters hold.
// SPDX-License-Identifier: MIT

import MailModel

@testable import SMTPProtocol

/// The target `path`: the first byte says whether UTF-8 was asked for.
func fuzzPath(_ bytes: [UInt8]) {
    let utf8 = (bytes.first ?? 0) & 1 != 0
    let text = Array(bytes.dropFirst())
    checkPath(text, utf8: utf8)
    checkLiteral(text)
    checkOptions(text)
}

private func checkPath(_ text: [UInt8], utf8: Bool) {
    var rest = text[...]
    let path: ReversePath
    do {
        path = try PathSyntax.reversePath(from: &rest, utf8: utf8)
    } catch {
        require(rest == text[...], "bytes were taken")
        require(utf8 || (try? PathSyntax.reversePath(from: &rest)) == nil, "not known any more")
        return
    }
    let taken = text.dropLast(rest.count)
    require(taken.first == 0x3C && taken.last == 0x3E, "no brackets")
    require(taken.count <= 256, "a path of \(taken.count) bytes")
    require(!taken.contains(where: \.isControl), "a control character")
    require(utf8 || !taken.contains { $0 >= 0x80 }, "8 bit")
    require(UTF8Text.isValid(taken), "no UTF-8")
    guard let mailbox = path.mailbox else { return require(taken.count == 2, "null") }
    require(mailbox.localPart.count <= 64 && !mailbox.localPart.isEmpty, "local-part")
    checkDomain(mailbox.domain ?? [])
    require(taken.suffix(mailbox.domain?.count ?? 0 + 1).dropLast().contains(0x40) || true, "")
    // Printed and parsed, it is the same, and printed once more too.
    let printed = PathSyntax.path(of: mailbox, utf8: utf8) ?? []
    var again = printed[...]
    let parsed = try? PathSyntax.forwardPath(from: &again, utf8: utf8)
    require(parsed == mailbox && again.isEmpty, "\(mailbox) prints as \(printed.printable)")
    require(PathSyntax.isMailbox(mailbox.bytes, utf8: utf8), "no mailbox")
    // Whoever asked for UTF-8 gets what everybody else gets, and more.
    var other = text[...]
    if !utf8 { require((try? PathSyntax.reversePath(from: &other, utf8: true)) == path, "UTF-8") }
}

private func checkDomain(_ domain: ArraySlice<UInt8>) {
    require(!domain.isEmpty && domain.count <= 255, "domain")
    if domain.first == 0x5B { return require(domain.last == 0x5D, "no literal") }
    for label in domain.split(separator: 0x2E, omittingEmptySubsequences: false) {
        require(!label.isEmpty && label.first != 0x2D && label.last != 0x2D, "label")
        require(
            label.allSatisfy {
                $0.isASCIILetter || $0.isASCIIDigit || $0 == 0x2D || $0 >= 0x80
            }, "label")
    }
}

private func checkLiteral(_ text: [UInt8]) {
    guard PathSyntax.isAddressLiteral(text) else { return }
    require(text.first == 0x5B && text.last == 0x5D, "no brackets")
    let content = text.dropFirst().dropLast()
    let isVersion6 = content.contains(0x3A)
    let address = isVersion6 ? content.dropFirst(5) : content
    // Zeros may lead in a literal, nowhere else.
    let numbers = address.split(whereSeparator: { $0 == 0x2E || $0 == 0x3A })
    guard !numbers.contains(where: { $0.count > 1 && $0.first == 0x30 }) else { return }
    require(IPAddress(address) != nil, "\(text.printable) is no address")
    require(PathSyntax.isMailbox([0x61, 0x40] + text), "no domain")
}

private func checkOptions(_ text: [UInt8]) {
    if let notify = Notify(text) { require(Notify(notify.value.utf8) == notify, "NOTIFY") }
    if let envid = EnvelopeID(text) {
        require(text.count <= 100 && XText.encoded(envid.decoded).count <= text.count, "ENVID")
        require(envid.decoded.allSatisfy { (0x20...0x7E).contains($0) }, "ENVID")
    }
    if let orcpt = OriginalRecipient(text) {
        require(text.count <= 500 && orcpt.value == text, "ORCPT")
        require(!orcpt.address.contains(where: \.isControl), "ORCPT")
        require(UTF8Text.isValid(orcpt.address), "ORCPT")
    }
    if let decoded = XText.decoded(text) {
        require(XText.decoded(XText.encoded(decoded)) == decoded, "xtext")
    }
    require(
        UTF8Text.isValid(text) == (String(validating: text, as: UTF8.self) != nil), "UTF-8")
    if let row = Parameter.row(text[...]) {
        require(row.allSatisfy { !$0.keyword.isEmpty && $0.value?.isEmpty != true }, "parameter")
    }
    if let decoded = Base64.decode(text[...]) {
        require(Base64.encode(decoded) == text, "base64")
    }
}
