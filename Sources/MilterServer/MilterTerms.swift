// MilterTerms: what an MTA and we agree on before a session.
// mfdef.h of libmilter.
// SPDX-License-Identifier: MIT

import CMilter
import FilterChain
import MailModel

/// Bits of the negotiation.
struct MilterTerms {
    /// What we may ask the MTA for.
    let actions: UInt
    /// What of the protocol is used.
    let steps: UInt
    /// Stages that the MTA waits for no answer at.
    let unanswered: Set<Stage>

    /// True when values of header fields begin with the blank after the colon.
    var hasLeadingSpace: Bool { steps & UInt(SMFIP_HDR_LEADSPC) != 0 }

    /// Everything that changes a message or its envelope.
    static let wantedActions =
        UInt(SMFIF_ADDHDRS) | UInt(SMFIF_CHGHDRS) | UInt(SMFIF_CHGBODY) | UInt(SMFIF_ADDRCPT)
        | UInt(SMFIF_DELRCPT) | UInt(SMFIF_CHGFROM) | UInt(SMFIF_QUARANTINE)

    /// What is wanted of what an MTA offers. For a session that is one too many each stage is
    /// answered.
    init(_ chain: Chain, offeredActions: UInt, offeredSteps: UInt, isExcess: Bool, isOverTCP: Bool)
    {
        actions = offeredActions & (Self.wantedActions | UInt(SMFIF_SETSYMLIST))
        var steps = UInt(SMFIP_HDR_LEADSPC) | UInt(SMFIP_NOUNKNOWN)
        // Nothing is refused in the middle of a message. Over TCP each answer is also what the MTA's
        // kernel waits for before it sends the next small packet: without one that takes 40 ms. Postfix
        // sends the macros of DATA even where it does not send DATA.
        if !isOverTCP {
            steps |= UInt(SMFIP_NR_HDR) | UInt(SMFIP_NR_EOH) | UInt(SMFIP_NR_BODY)
        }
        if !isOverTCP, !chain.judges(.data) { steps |= UInt(SMFIP_NODATA) }
        if chain.steps.contains(where: \.hearsFailures) { steps |= UInt(SMFIP_RCPT_REJ) }
        if !isExcess, !isOverTCP {
            if !chain.judges(.connect) { steps |= UInt(SMFIP_NR_CONN) }
            if !chain.judges(.helo) { steps |= UInt(SMFIP_NR_HELO) }
        }
        self.steps = steps & offeredSteps
        let silent: [(Stage, UInt)] = [
            (.connect, UInt(SMFIP_NR_CONN)), (.helo, UInt(SMFIP_NR_HELO)),
        ]
        let agreed = self.steps
        unanswered = Set(silent.filter { agreed & $0.1 != 0 }.map(\.0))
    }

    /// True when the MTA waits for no answer to a field, to the end of the header, or to a piece of
    /// the body.
    func isSilent(_ step: Int) -> Bool { steps & UInt(step) != 0 }

    /// The macros that are asked for, by place.
    static let macros: [(place: Int32, names: String)] = [
        (
            SMFIM_CONNECT,
            "j {client_resolve} {if_addr} {daemon_addr} {daemon_port}"
        ),
        (SMFIM_HELO, "r {tls_version} {cipher}"),
        (SMFIM_ENVFROM, "i r {auth_authen} {tls_version} {cipher}"),
        (SMFIM_ENVRCPT, "i {rcpt_mailer} {rcpt_host}"),
        (SMFIM_DATA, "i"), (SMFIM_EOM, "i"),
    ]
}
