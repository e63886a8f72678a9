// QueueRunner+Delivery: asking agents, and what they answer.
// delivery-protocol(7).
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO
import Workers

extension QueueRunner {
    /// Begins what may begin.
    func start() {
        for channel in DeliveryChannel.allCases {
            if let until = pausedUntil[channel] {
                guard until <= now else { continue }
                pausedUntil[channel] = nil
            }
            var postponed: [PlannedDelivery] = []
            while pausedUntil[channel] == nil, let plan = queue.next(on: channel) {
                if mayBegin(plan) { start(plan) } else { postponed.append(plan) }
            }
            for plan in postponed {
                queue.ended(plan)
                queue.append(plan)
                pausedUntil[channel] = now &+ 1_000_000
            }
        }
    }

    /// False for a delivery whose result would have to be written down while others' cannot be: a
    /// crash would repeat it. Where one recipient is left, success needs no room and gives some back,
    /// and deferral needs none.
    private func mayBegin(_ plan: PlannedDelivery) -> Bool {
        guard stuck.count >= QueueRunner.stuckAtMost, let message = active[plan.message] else {
            return true
        }
        let pending = message.progress.recipients.count { recipient in
            if case .pending = recipient { true } else { false }
        }
        return pending == 1
    }

    private func start(_ plan: PlannedDelivery) {
        guard let message = active[plan.message] else { return queue.ended(plan) }
        let channel = plan.destination.channel
        do throws(SystemError) {
            running.append(try ask(plan, message))
            log.began(plan, of: message)
            logStatus()
            if away.remove(channel) != nil {
                log.event("agent-back", ["socket": settings.sockets[channel] ?? ""])
            }
        } catch {
            // Not an attempt: nobody was there to make one.
            queue.ended(plan)
            queue.append(plan)
            pausedUntil[channel] = now &+ 200_000
            if away.insert(channel).inserted {
                log.event(
                    "agent-away",
                    ["socket": settings.sockets[channel] ?? "", "error": "\(error)"])
            }
        }
    }

    /// Asks the agent that has a session with the destination, else another.
    private func ask(
        _ plan: PlannedDelivery, _ message: ActiveMessage
    ) throws(SystemError) -> RunningDelivery {
        let request = request(plan, message)
        let timeout = UInt64(clamping: settings.deliveryTimeout.milliseconds) &* 1000
        let deadline = now &+ timeout
        if let kept = kept.take(plan.destination) {
            do throws(SystemError) {
                try kept.ask(request, message.file.borrowed, for: plan, deadline: deadline)
                return kept
            } catch {
                log.event("agent-gone", ["error": "\(error)"])
            }
        }
        let channel = plan.destination.channel
        makeRoom(on: channel)
        // Short: a pool that lives has room in its backlog, and nobody else may wait.
        let delivery = RunningDelivery(
            plan,
            try UnixSocket.connect(
                to: settings.sockets[channel] ?? "", deadline: .after(.milliseconds(50))),
            deadline: deadline)
        try delivery.ask(request, message.file.borrowed, for: plan, deadline: deadline)
        return delivery
    }

    /// A worker that waits for more is one that others wait for.
    private func makeRoom(on channel: DeliveryChannel) {
        guard channel == .remote else { return }
        let busy = running.count { $0.plan.destination.channel == channel }
        if busy + kept.count >= settings.concurrency.of(channel) { kept.letGoOfOldest() }
    }

    private func request(_ plan: PlannedDelivery, _ message: ActiveMessage) -> DeliveryRequest {
        let stored = message.message
        var request = DeliveryRequest(
            id: stored.id, channel: plan.destination.channel, domain: plan.destination.domain,
            envelope: stored.envelope, edits: stored.edits,
            messageOffset: stored.messageOffset, messageLength: stored.messageLength)
        request.done = message.progress.done
        request.numbers = Array(stored.envelope.recipients.indices)
        request = request.withRecipients(plan.recipients)
        // deliver-local rewrites for itself, since it must know the mailbox as it was written.
        if plan.destination != .local {
            request.envelope.mapRecipients(settings.routing.rewritten)
        }
        request.envelope = request.envelope.withExpandedReversePath
        return request
    }

    /// Reads what an agent sent.
    func advance(_ delivery: RunningDelivery) {
        switch delivery.advance() {
        case .waiting: return
        case .lost(let why): lose(delivery, why)
        case .answered(let reply):
            running.removeAll { $0 === delivery }
            finish(delivery.plan, reply)
            if reply.takesMore { kept.keep(delivery, now: now) }
        }
    }

    /// Nothing is known of a delivery: all its recipients are deferred.
    func lose(_ delivery: RunningDelivery, _ why: String) {
        log.event(
            "delivery-lost",
            [
                "message": "\(delivery.plan.message)",
                "channel": delivery.plan.destination.channel.rawValue, "why": why,
            ])
        // Why is for the log: the sender may see this.
        running.removeAll { $0 === delivery }
        let text = "The delivery was begun and did not end"
        let reply = Reply(451, EnhancedStatus(4, 3, 0), text)
        finish(
            delivery.plan,
            DeliveryReply(DeliveryResult(reply), count: delivery.plan.recipients.count))
    }

    private func finish(_ plan: PlannedDelivery, _ reply: DeliveryReply) {
        queue.ended(plan)
        if reply.isUnreachable {
            failed(plan.destination, reply)
        } else {
            queue.answered(plan.destination)
        }
        guard let message = active[plan.message] else { return }
        // Recipients with the same result share a record.
        var groups: [DeliveryResult: [Int]] = [:]
        for (recipient, var result) in zip(plan.recipients, reply.results) {
            if !result.done.isEmpty, result.outcome == .deferred {
                message.note(.done(recipient, result.done))
            }
            result.done = []
            result = message.withDueNotice(result, of: recipient, plan.destination)
            groups[result, default: []].append(recipient)
        }
        for (result, recipients) in groups {
            note(result, for: recipients, of: message, plan.destination)
        }
        logStatus()
        close(message)
    }

    /// Says how many deliveries run.
    func logStatus() { log.status(running, settings.concurrency, isEnding: isStopping) }

    /// One of a message's deliveries is over.
    func close(_ message: ActiveMessage) {
        message.open -= 1
        if message.open == 0 {
            settle(message)
        } else if message.mustSync {
            unsaved.insert(message.id)
            flushSoon()
        }
    }

    /// Takes note of a result for recipients, and logs it for each.
    func note(
        _ result: DeliveryResult, for recipients: [Int], of message: ActiveMessage,
        _ destination: Destination
    ) {
        var result = result
        var due: Int?
        if result.outcome == .deferred {
            let seconds = Int(clamping: now / 1_000_000)
            if message.isLastAttempt {
                result = DeliveryResult(expiring: result)
            } else {
                due = settings.schedule.next(
                    arrival: message.arrival, now: seconds, channel: destination.channel)
            }
        }
        message.note(.result(recipients, result, time: now, due: due))
        let age = (now &- min(now, message.message.arrival)) / 1000
        for recipient in recipients {
            log.ended(recipient, of: message, result, destination.channel, due: due, age: age)
        }
    }
}

extension DeliveryResult {
    /// What a deferral becomes when the message was tried for its whole lifetime.
    fileprivate init(expiring result: DeliveryResult) {
        let text =
            "I'm not going to try again; this message has been in the queue too long. "
            + result.reply.description
        self.init(Reply(554, EnhancedStatus(5, 4, 7), text), host: result.host)
    }
}
