// Chain: the steps of a filters.d, in order.
// filters.d(5), filter-chain(8).
// SPDX-License-Identifier: MIT

public import Control
public import MailModel
import UnixIO

/// A chain that was read whole and found right.
public struct Chain: Sendable {
    /// How long all steps of one request may take together: below the ten minutes that a client
    /// waits for the reply to the final dot. RFC 5321, section 4.5.3.2.6.
    public static let limit = Duration.seconds(300)

    /// The steps in the order they run.
    public let steps: [Step]
    /// Names in the folder that are no step's: `NN-name` is.
    public let ignored: [String]
    /// Where it was read.
    public let folder: String
    let root: Root
    /// False where a step is asked by its socket or not at all.
    private(set) var startsSteps = true

    /// Reads filters.d of an installation, or another folder with the same root.
    /// - Throws: `ChainError`; for a folder that is missing too: there is no empty chain by
    ///   accident.
    public init(_ root: Root, folder: String? = nil) throws(ChainError) {
        self.root = root
        self.folder = folder ?? root.filters
        let names: [String]
        do {
            names = try Files.names(in: self.folder).sorted()
        } catch {
            throw .unreadable(error)
        }
        var steps: [Step] = []
        for name in names where Chain.isStepName(name) {
            steps.append(try StepFile.read(name, in: self.folder))
        }
        self.steps = steps
        ignored = names.filter { !Chain.isStepName($0) }
    }

    /// The chain for a process that must not start filters, since it may do what they must not:
    /// each step has a socket then, see `StepService`.
    /// - Throws: `ChainError` for a step without one.
    public func bySocketsAlone() throws(ChainError) -> Chain {
        for step in steps {
            do {
                guard try Files.status(socket(of: step)) == nil else { continue }
            } catch {
                throw .unreadable(error)
            }
            throw .invalid(
                file: "\(folder)/\(step.name)", line: 0,
                reason: "nobody serves this step before mail-server is started again")
        }
        var chain = self
        chain.startsSteps = false
        return chain
    }

    /// True when a step judges at this stage, so that a request for it is worth making.
    public func judges(_ stage: Stage) -> Bool { steps.contains { $0.stage == stage } }

    /// What must run for the steps that have workers.
    public var residentSteps: [ResidentStep] {
        steps.compactMap { step in
            guard let workers = step.workers else { return nil }
            let socket = socket(of: step)
            let serve = [
                "--serve", socket, "--workers", "\(workers.lowerBound)-\(workers.upperBound)",
            ]
            return ResidentStep(
                name: step.name, program: step.program, arguments: step.arguments + serve,
                socket: socket)
        }
    }

    /// The names of the steps that have no workers, and are started for each message.
    public var startedSteps: [String] { steps.filter { $0.workers == nil }.map(\.name) }

    /// Where the workers of a step listen.
    func socket(of step: Step) -> String { root.filterSocket(step.name) }

    /// Digits, a hyphen, then letters, digits, hyphens and underscores.
    static func isStepName(_ name: String) -> Bool {
        let digits = name.utf8.prefix(while: \.isASCIIDigit)
        let rest = name.utf8.dropFirst(digits.count)
        return !digits.isEmpty && rest.first == 0x2D && rest.count > 1
            && rest.allSatisfy { $0.isASCIIDigit || $0.isASCIILetter || $0 == 0x2D || $0 == 0x5F }
    }
}
