import MailModel
import UnixIO
import Control
struct ServerChain {
    init(_ root: Root) throws {}
    struct Judgement: ~Copyable { var verdict: Verdict; var replacement: OwnedDescriptor? }
    func judges(_ stage: Stage) -> Bool { false }
    func judge(_ request: FilterRequest, _ file: Descriptor?, _ log: SessionLog) -> Judgement {
        Judgement(verdict: .accept, replacement: nil)
    }
}
