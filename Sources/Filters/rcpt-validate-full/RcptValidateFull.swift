// rcpt-validate-full: rcpt-validate with libpq in it.
// rcpt-validate(8).
// SPDX-License-Identifier: MIT

import Control
import FilterKit
import PostgreSQL
import RecipientValidation
import Recipients
import SQL

/// What `rcpt-validate` becomes when a source is of PostgreSQL.
@main
enum RcptValidateFull: SourceLibrary {
    static func main() { FilterMain.run(RcptValidation<Self>.self) }

    static func kinds(_ common: SourceCommon) -> [SourceKind] { [postgreSQL(common)] }

    private static func postgreSQL(_ common: SourceCommon) -> SourceKind {
        SourceKind("postgresql", form: "postgresql:CONNINFO?query=SQL") {
            spec, settings throws(ControlError) in
            let parameters = try SourceParameters(
                spec, names: SQLSource.parameters, last: "query")
            let timeout = try common.timeout(parameters["timeout"], spec)
            let server: PostgreSQLServer
            do throws(SQLError) {
                server = try PostgreSQLServer(
                    connectionString(parameters.place), timeout: timeout)
            } catch {
                throw spec.invalid("\(error)")
            }
            let source = try SQLSource(
                "postgresql:\(server.label)", server, parameters, settings, timeout: timeout
            ) { query throws(SQLError) in try server.add(query) }
            return common.cached(source)
        }
    }

    /// `//HOST/NAME` is what is left of a URI after its scheme, which is the name of the kind.
    private static func connectionString(_ place: String) -> String {
        place.hasPrefix("//") ? "postgresql:\(place)" : place
    }
}
