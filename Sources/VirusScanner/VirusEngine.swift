// VirusEngine: libclamav with one set of signatures.
// clamav.h, libclamav 1.4.
// SPDX-License-Identifier: MIT

import CClamAV
import Glibc
public import Scanning
public import UnixIO

/// Signatures, loaded once. They survive a fork: load in the parent of a pool, then let every
/// worker call `open`.
public final class VirusEngine {
    /// Messages up to this size are read at once.
    private static let memoryLimit = 1 << 20

    /// How many signatures were loaded.
    public let signatures: Int
    private let engine: OpaquePointer
    private let limits: ScanLimits
    private let blocks: Set<BlockedContent>
    private var temporary: TemporaryFolder?

    /// Loads the signatures of a folder. What is blocked is found like a virus.
    /// - Throws: `ScannerError`, `.empty` when there are none.
    public init(
        database: String, limits: ScanLimits = ScanLimits(), blocks: Set<BlockedContent> = []
    ) throws(ScannerError) {
        // libclamav prints on descriptor 2 unless somebody listens.
        cl_set_clcb_msg(noteLostWrite)
        try VirusEngine.check("cl_init", "libclamav", cl_init(UInt32(CL_INIT_DEFAULT)))
        guard let engine = cl_engine_new() else {
            throw .library(call: "cl_engine_new", object: database, "out of memory")
        }
        do throws(ScannerError) {
            signatures = try VirusEngine.load(database, into: engine, limits, blocks)
        } catch {
            cl_engine_free(engine)
            throw error
        }
        self.engine = engine
        self.limits = limits
        self.blocks = blocks
    }

    deinit { cl_engine_free(engine) }

    /// Makes a folder for temporary files of this process below another, such as `/tmp`.
    public func open(temporary base: String) throws(ScannerError) {
        let folder = try TemporaryFolder(in: base)
        try VirusEngine.check(
            "cl_engine_set_str", folder.path,
            cl_engine_set_str(engine, CL_ENGINE_TMPDIR, folder.path))
        temporary = consume folder
    }

    /// Scans a mail message: `length` bytes of a file from `offset` on, whole and part by part.
    /// See `MailStart` for what goes before it.
    /// - Parameters:
    ///   - descriptor: read with pread(2) only.
    ///   - offset: the first byte of the message.
    ///   - length: how many bytes it has.
    ///   - added: header fields that go on top of the message.
    /// - Returns: the result; `failed` when `open` was not called or the file is shorter.
    public func scan(
        _ descriptor: Descriptor, offset: Int, length: Int, adding added: [UInt8] = []
    ) -> ScanResult {
        guard temporary != nil else { return .failed("no folder for temporary files") }
        guard length <= limits.size else { return .unscannable("size") }
        let mail = ScanSource(
            descriptor, offset: offset, length: length, prefix: MailStart.field + added)
        let result = scan(mail)
        guard result == .clean else { return result }
        let file = ScanSource(descriptor, offset: offset, length: length)
        return file.beginsWithField ? result : scan(file)
    }

    private func scan(_ source: ScanSource) -> ScanResult {
        guard source.length > 0 else { return .clean }
        let result = source.count <= VirusEngine.memoryLimit ? scanRead(source) : scanMapped(source)
        if case .found = result { return result }
        if source.isBroken { return .failed("the message could not be read") }
        if source.hasLostWrite { return .failed("a part could not be written to be scanned") }
        guard result == .clean, let kind = source.unopened else { return result }
        return .unscannable(kind)
    }

    /// Reads all of it at once, which costs libclamav less than to ask for pages.
    private func scanRead(_ source: ScanSource) -> ScanResult {
        source.contents().withUnsafeBytes { bytes in
            guard let address = bytes.baseAddress, bytes.count == source.count,
                let map = cl_fmap_open_memory(address, bytes.count)
            else { return .failed("the message could not be read") }
            return scan(map, source)
        }
    }

    /// Lets libclamav ask for the pages that it wants to see.
    private func scanMapped(_ source: ScanSource) -> ScanResult {
        let handle = Unmanaged.passUnretained(source).toOpaque()
        guard let map = cl_fmap_open_handle(handle, 0, source.count, readSource, 1) else {
            return .failed("cl_fmap_open_handle failed")
        }
        return scan(map, source)
    }

    private func scan(_ map: OpaquePointer, _ source: ScanSource) -> ScanResult {
        defer { cl_fmap_close(map) }
        var options = self.options
        var name: UnsafePointer<CChar>?
        var scanned: UInt = 0
        let code = cl_scanmap_callback(
            map, nil, &name, &scanned, engine, &options,
            Unmanaged.passUnretained(source).toOpaque())
        if code == CL_VIRUS, !blocks.isEmpty {
            // What is blocked counts for more than what could not be looked into.
            let results = source.alerts.map { ScanResult(alert: $0, blocks: blocks) }
            if let found = results.first(where: \.isFound) { return found }
        }
        return ScanResult(code, name: name.map { String(cString: $0) }, blocks: blocks)
    }

    /// Everything is looked into, and what cannot be is an alert.
    private var options: cl_scan_options {
        var options = cl_scan_options()
        // Of several alerts libclamav tells one, unless it is asked for all.
        options.general = UInt32(
            CL_SCAN_GENERAL_HEURISTICS | (blocks.isEmpty ? 0 : CL_SCAN_GENERAL_ALLMATCHES))
        options.parse = ~0
        options.heuristic = UInt32(
            CL_SCAN_HEURISTIC_EXCEEDS_MAX | CL_SCAN_HEURISTIC_ENCRYPTED_ARCHIVE
                | CL_SCAN_HEURISTIC_ENCRYPTED_DOC
                | (blocks.contains(.macros) ? CL_SCAN_HEURISTIC_MACROS : 0))
        return options
    }

    private static func load(
        _ database: String, into engine: OpaquePointer, _ limits: ScanLimits,
        _ blocks: Set<BlockedContent>
    ) throws(ScannerError) -> Int {
        for (field, value) in numbers(limits) {
            try check("cl_engine_set_num", database, cl_engine_set_num(engine, field, value))
        }
        var count: UInt32 = 0
        // Links are only compared where somebody wants to know: of two alerts libclamav tells one.
        let kinds =
            CL_DB_PHISHING | CL_DB_BYTECODE
            | (blocks.contains(.phishing) ? CL_DB_PHISHING_URLS : 0)
        try check("cl_load", database, cl_load(database, engine, &count, UInt32(kinds)))
        guard count > 0 else { throw .empty(database) }
        try check("cl_engine_compile", database, cl_engine_compile(engine))
        cl_engine_set_clcb_virus_found(engine, noteAlert)
        cl_engine_set_clcb_file_inspection(engine, noteUnopened)
        return Int(count)
    }

    /// True when libclamav found its module for RAR archives. It says so nowhere but in a variable
    /// of its own; without one, it scans such an archive as it is and calls it clean.
    public static var opensRAR: Bool {
        guard let variable = dlsym(nil, "have_rar") else { return false }
        return variable.load(as: Int32.self) != 0
    }

    private static func numbers(_ limits: ScanLimits) -> [(cl_engine_field, Int64)] {
        let size = Int64(clamping: limits.size) + 4096
        let (seconds, attoseconds) = limits.time.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        return [
            (CL_ENGINE_MAX_SCANSIZE, size),
            // What is unpacked from a zip is cut at this size without a word (unzip.c); a file so
            // cut must still exceed the limit before, which does alert.
            (CL_ENGINE_MAX_FILESIZE, size + 65_536),
            (CL_ENGINE_MAX_FILES, Int64(clamping: limits.files)),
            (CL_ENGINE_MAX_RECURSION, Int64(clamping: limits.depth)),
            (CL_ENGINE_MAX_SCANTIME, min(max(1, milliseconds), Int64(Int32.max))),
            (CL_ENGINE_PCRE_MATCH_LIMIT, 100_000),
            (CL_ENGINE_PCRE_RECMATCH_LIMIT, 2000),
            // Clean files are known again by their MD5, for which two files can be made.
            (CL_ENGINE_DISABLE_CACHE, 1),
            // Beyond these libclamav leaves out a part of its work without a word.
            (CL_ENGINE_PCRE_MAX_FILESIZE, size), (CL_ENGINE_MAX_EMBEDDEDPE, size),
            (CL_ENGINE_MAX_HTMLNORMALIZE, size), (CL_ENGINE_MAX_HTMLNOTAGS, size),
            (CL_ENGINE_MAX_SCRIPTNORMALIZE, size),
        ]
    }

    private static func check(
        _ call: String, _ object: String, _ code: cl_error_t
    ) throws(ScannerError) {
        guard code == CL_SUCCESS else {
            throw .library(call: call, object: object, String(cString: cl_strerror(code)))
        }
    }
}
