// Version: the one number that every executable prints with --version.
// SPDX-License-Identifier: MIT

/// The version that every executable prints.
public let chainmailVersion = "0.1"
