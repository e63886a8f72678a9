// Filter: what a filter is to FilterKit.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

public import Control
public import MailModel

/// One filter. Its executable is
///
///     @main struct SPFCheck: Filter {
///         static func main() { FilterMain.run(Self.self) }
///         ...
///     }
///
/// and everything about conventions, descriptors and exit codes is FilterKit's.
///
/// The life of a value: `init`, once, before anything of the message is read (in the parent of a
/// pool, before it forks); `open`, once, in the process that judges; then `judge`, once or, in a
/// worker, for every request.
public protocol Filter {
    /// The name of the executable, of its manual page and in its logs.
    static var name: String { get }

    /// What it does, in one line, for `--help`.
    static var summary: String { get }

    /// What must follow the options, such as `SOCKET`; empty where nothing may. `init` finds it in
    /// `Options.operands` and counts it.
    static var operands: String { get }

    /// The options of this filter alone.
    static var options: [Usage.Option] { get }

    /// Reads the options and the files they name, and loads what is expensive and survives a
    /// fork. Called again on SIGHUP; the old value stays when it throws.
    /// - Throws: whatever is wrong with options or files: `UsageError`, `ControlError`,
    ///   `SystemError` and what has no exit code of its own is 55, bad configuration; a
    ///   `FilterError` is what it says.
    init(_ setup: Setup) throws

    /// Opens what does not survive a fork.
    mutating func open() throws(FilterError)

    /// How often a resident filter is asked whether it is out of date; nil: never.
    var checkInterval: Duration? { get }

    /// True when what was loaded is not what would be loaded now: then a resident filter is loaded
    /// anew, as on SIGHUP.
    var isStale: Bool { get }

    /// Does what the options ask for instead of a verdict (such as `--show`), before any message
    /// is read.
    /// - Returns: the exit code; nil when a verdict is wanted after all.
    mutating func perform() throws(FilterError) -> FilterExit?

    /// Does what the options ask for with a message instead of judging it (such as `--test`), in
    /// the shell convention.
    /// - Returns: the exit code; nil when a verdict is wanted after all.
    mutating func examine(_ request: borrowing Request) throws(FilterError) -> FilterExit?

    /// Decides. What it looked at goes into the evidence.
    /// - Throws: `FilterError` when it cannot know, which defers.
    mutating func judge(
        _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict

    /// Takes note of what became of a request, such as a recipient that another step or the server
    /// refused: called instead of `judge` where filters.d(5) has `report` for this step. Nothing
    /// may be refused here, whatever is counted: the client has its answer already. It must not
    /// take long, since a session waits for it.
    mutating func learn(
        _ outcome: Outcome, of request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError)
}

extension Filter {
    /// Most filters are told all by options.
    public static var operands: String { "" }

    /// A filter that has no use for outcomes judges nothing.
    public mutating func learn(
        _ outcome: Outcome, of request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) {}

    /// Nothing to open.
    public mutating func open() throws(FilterError) {}

    /// Only SIGHUP loads anew.
    public var checkInterval: Duration? { nil }

    /// Nobody looks.
    public var isStale: Bool { false }

    /// A verdict is always wanted.
    public mutating func perform() throws(FilterError) -> FilterExit? { nil }

    /// A verdict is always wanted.
    public mutating func examine(
        _ request: borrowing Request
    ) throws(FilterError) -> FilterExit? { nil }
}
