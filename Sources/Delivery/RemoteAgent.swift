// RemoteAgent: delivery to other hosts.
// deliver-remote(8); RFC 5321, sections 4.5.4 and 5.
// SPDX-License-Identifier: MIT

public import MailModel
import SystemPackage
import UnixIO

/// Delivers by SMTP.
public struct RemoteAgent: DeliveryAgent {
    /// `deliver-remote`.
    public static let name = "deliver-remote"
    /// Recipients elsewhere.
    public static let channel = DeliveryChannel.remote

    private let settings: RemoteSettings
    private let keeper = SessionKeeper()

    /// An agent with these settings.
    public init(_ settings: RemoteSettings) { self.settings = settings }

    /// Delivers to recipients of one domain. The session stays open for the next delivery where it
    /// can, until `letGo`.
    public mutating func deliver(_ request: DeliveryRequest, _ file: Descriptor) -> DeliveryReply {
        var delivery = RemoteDelivery(request, settings, keeper)
        var reply = delivery.run(MessageReader(request, file))
        reply.takesMore = keeper.isKeeping
        return reply
    }

    /// Ends the session that was kept.
    public mutating func letGo() { keeper.letGo() }
}
