// Random: bits from the kernel.
// getrandom(2).
// SPDX-License-Identifier: MIT

/// Unpredictable bits.
public enum Random {
    /// 64 random bits from the kernel.
    public static var bits: UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}
