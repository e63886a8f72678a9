// AUTH+Offer: which mechanisms a session offers.
// RFC 4954, section 4.
// SPDX-License-Identifier: MIT

extension ServerSession {
    /// Offers these mechanisms from now on, by their names in capitals. RFC 4954 lets the list
    /// change with TLS; it may change between two EHLO too.
    public mutating func offer(underTLS: [String], inClear: [String]) {
        settings.mechanismsUnderTLS = underTLS
        settings.mechanismsInClear = inClear
    }

    /// Who has been authenticated; nil for nobody.
    public var authenticatedUser: [UInt8]? { user }
}
