// sqlite:PATH?query=SQL
// rcpt-validate(8), section SQL.
// SPDX-License-Identifier: MIT

import Control
import Recipients
import SQL
import SQLite

extension SourceKind {
    /// Databases of SQLite. Those of one path share one value: see `SQLiteFile`.
    static func sqlite(_ common: SourceCommon) -> SourceKind {
        let files = SQLiteFiles()
        return SourceKind("sqlite", form: "sqlite:PATH?query=SQL") {
            spec, settings throws(ControlError) in
            let parameters = try SourceParameters(
                spec, names: SQLSource.parameters, last: "query")
            let file = files[parameters.place]
            let label = "sqlite:\(parameters.place)"
            let source = try SQLSource(
                label, file, parameters, settings,
                timeout: try common.timeout(parameters["timeout"], spec)
            ) { query throws(SQLError) in try file.add(query) }
            return CachedSource(source, common.cache)
        }
    }
}

/// The files of one start, by path. Used while options are read, by one thread.
private final class SQLiteFiles: @unchecked Sendable {
    private var files: [String: SQLiteFile] = [:]

    subscript(path: String) -> SQLiteFile {
        if let file = files[path] { return file }
        let new = SQLiteFile(path)
        files[path] = new
        return new
    }
}
