// The entry of the fuzzer: one input for one of the targets. See README.md in this folder.
// SPDX-License-Identifier: MIT

import Glibc

/// Which target this process is: `session`, `path`, `decoder` or `milter`.
private let target = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? "session"

/// True when the replies of a session are to be seen.
let isVerbose = getenv("FUZZ_VERBOSE") != nil

/// What libFuzzer calls for each input. Whatever is wrong ends the process.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let bytes = data.map { Array(UnsafeBufferPointer(start: $0, count: size)) } ?? []
    switch target {
    case "session": fuzzSession(bytes)
    case "path": fuzzPath(bytes)
    case "decoder": fuzzDecoder(bytes)
    case "milter": fuzzMilter(bytes)
    default: fatalError("no target \(target)")
    }
    return 0
}

/// Ends the process when something is not as it must be.
func require(
    _ condition: Bool, _ what: @autoclosure () -> String, line: UInt = #line
) {
    if !condition { fatalError("line \(line): \(what())") }
}
