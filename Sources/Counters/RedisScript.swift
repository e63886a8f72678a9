// RedisScript: the decision of `Decision`, made inside of Redis with its own clock.
// throttle(8), section REDIS; Redis' EVAL.
// SPDX-License-Identifier: MIT

/// One script a decision, so that several hosts decide one after the other, by one clock.
enum RedisScript {
    /// Every key of ours begins so.
    static let prefix = Array("chainmail:throttle:".utf8)

    /// A time is two numbers, since those of Lua are exact to 2^53 alone: microseconds, and parts
    /// of one, of which there are 1000 * 2^32. `Meter` counts in the same parts. A value is both,
    /// divided by a blank.
    ///
    /// ARGV[1] is 1 for a trial. Then come five words for each key: what is done, and four
    /// numbers. The reply: 1 when it was charged, the number of those that are over, their
    /// indices, then index and microseconds of each wait.
    static let text = """
        local PART = 4294967296000
        local clock = redis.call('TIME')
        local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
        local state, kept = {}, {}

        local function get(key)
            local one = state[key]
            if not one then
                local value = redis.call('GET', key)
                if not value then return now, 0 end
                local high, low = string.match(value, '^(%d+) (%d+)$')
                if not high then return redis.error_reply('DAMAGED ' .. key) end
                one = {tonumber(high), tonumber(low)}
            end
            if one[1] < now then return now, 0 end
            return one[1], one[2]
        end
        local function sum(high, low, more, rest)
            high, low = high + more, low + rest
            if low >= PART then high, low = high + 1, low - PART end
            return high, low
        end
        local function later(high, low, other, rest)
            return high > other or (high == other and low > rest)
        end
        local function put(key, high, low)
            local value = string.format('%.0f %.0f', high, low)
            redis.call('SET', key, value, 'PX', math.max(1, math.ceil((high - now) / 1000) + 1))
        end

        local over, waits, refused = {}, {}, false
        for index = 0, #KEYS - 1 do
            local key = KEYS[index + 1]
            local word = ARGV[index * 5 + 2]
            local a, b = tonumber(ARGV[index * 5 + 3]), tonumber(ARGV[index * 5 + 4])
            local c, d = tonumber(ARGV[index * 5 + 5]), tonumber(ARGV[index * 5 + 6])
            local kind = string.lower(word)
            local high, low = get(key)
            if type(high) == 'table' then return high end
            if kind == 'n' then
                over[#over + 1] = index
                refused = refused or kind ~= word
            elseif kind == 't' or kind == 'l' then
                local last, part = sum(now, 0, c, d)
                if later(high, low, last, part) then
                    high, low = last, part
                    put(key, high, low)
                    state[key] = {high, low}
                end
                high, low = sum(high, low, a, b)
                if later(high, low, last, part) then
                    over[#over + 1] = index
                    refused = refused or kind ~= word
                elseif kind == 't' then
                    state[key], kept[key] = {high, low}, true
                end
            elseif kind == 'r' then
                local last, part = sum(now, 0, c, d)
                high, low = sum(high, low, a, b)
                if later(high, low, last, part) then high, low = last, part end
                state[key], kept[key] = {high, low}, true
            elseif kind == 'p' or (kind == 'o' and over[#over] == index - 1) then
                local wait, part = sum(high - now, low, a, 0)
                if later(wait, part, b, 0) then wait, part = b, 0 end
                high, low = sum(now, 0, wait, part)
                high, low = sum(high, low, c, 0)
                state[key], kept[key] = {high, low}, true
                if part > 0 then wait = wait + 1 end
                waits[#waits + 1] = {index, wait}
            end
        end

        local charged = 0
        if not refused and ARGV[1] ~= '1' then
            charged = 1
            for key in pairs(kept) do put(key, state[key][1], state[key][2]) end
        end
        local reply = {charged, #over}
        for _, index in ipairs(over) do reply[#reply + 1] = index end
        for _, wait in ipairs(waits) do
            reply[#reply + 1] = wait[1]
            reply[#reply + 1] = wait[2]
        end
        return reply
        """

    /// What comes after the script or its hash: the number of keys, the keys and the words.
    static func arguments(_ charges: [Charge], isTrial: Bool) -> [[UInt8]] {
        var words = ["\(charges.count)"].map { Array($0.utf8) }
        for charge in charges { words.append(prefix + Record.key(charge.key)) }
        words.append(isTrial ? [0x31] : [0x30])
        for charge in charges { words += line(charge).map { Array($0.utf8) } }
        return words
    }

    /// The value of a meter.
    static func meter(_ value: [UInt8]) -> Meter? {
        let parts = value.split(separator: 0x20)
        guard parts.count == 2, let high = parts[0].decimalValue, let low = parts[1].decimalValue,
            high < 1 << 53
        else { return nil }
        return Meter(arrival: UInt128(high) * Meter.microsecond + UInt128(low))
    }

    private static func line(_ charge: Charge) -> [String] {
        switch charge.kind {
        case .take(_, 0, _), .record(_, 0): ["-", "0", "0", "0", "0"]
        case .take(let rate, let units, let refuses) where units > rate.burst:
            [refuses ? "N" : "n", "0", "0", "0", "0"]
        case .take(let rate, let units, let refuses):
            [refuses ? "T" : "t"] + parts(Meter.cost(units, rate)) + parts(Meter.burst(rate))
        case .look(let rate, let refuses):
            [refuses ? "L" : "l"] + parts(Meter.cost(1, rate)) + parts(Meter.burst(rate))
        case .record(let rate, let units):
            ["r"] + parts(Meter.cost(min(units, rate.burst), rate)) + parts(Meter.burst(rate))
        case .pace(let pacing): ["p"] + pacing.words
        case .paceWhenOver(let pacing): ["o"] + pacing.words
        }
    }

    private static func parts(_ time: UInt128) -> [String] {
        let (high, low) = time.quotientAndRemainder(dividingBy: Meter.microsecond)
        return ["\(high)", "\(low)"]
    }
}

extension Pacing {
    fileprivate var words: [String] {
        ["\(before * 1000)", "\(most * 1000)", "\(after * 1000)", "0"]
    }
}
