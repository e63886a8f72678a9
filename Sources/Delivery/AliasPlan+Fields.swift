// AliasPlan+Fields: what an alias comes to, between root and the process that carries it out.
// deliver-local(8), option --once.
// SPDX-License-Identifier: MIT

import MailModel
import Recipients

extension Fields {
    mutating func append(_ plan: AliasPlan) {
        append("aliased", "1")
        for instruction in plan.instructions { append("instruction", instruction.text) }
        for path in plan.includes { append("include", path) }
        if let owner = plan.owner { append("owner", owner.bytes) }
    }
}

extension AliasPlan {
    /// Reads what `append` wrote, but for the instructions.
    init(_ instructions: [Instruction], _ fields: Fields) throws(FieldsError) {
        var includes: [String] = []
        for field in fields.all where field.name == "include" {
            guard let path = String(validating: field.value, as: UTF8.self) else {
                throw .badValue("include")
            }
            includes.append(path)
        }
        var owner: ReversePath?
        if let bytes = fields["owner"] {
            guard let path = try? ReversePath(bytes) else { throw .badValue("owner") }
            owner = path
        }
        self.init(instructions, includes: includes, owner: owner)
    }
}

extension LocalDestination {
    /// About how many bytes it has where it is told, at least; files that it includes may have as
    /// many as they may.
    var size: Int {
        guard case .aliased(let plan) = instructions else { return 256 }
        return plan.instructions.reduce(plan.includes.isEmpty ? 256 : 2 << 20) {
            $0 + $1.text.count + 32
        }
    }
}
