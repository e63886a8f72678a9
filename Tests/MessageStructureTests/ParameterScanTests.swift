import Testing

@testable import MessageStructure

@Suite struct ParameterScanTests {
    @Test(arguments: [
        ("attachment; filename=a.exe", "a.exe"),
        ("attachment; filename=\"a.exe", "a.exe"),
        ("attachment; filename=\"a\\\"b.exe\"", "a\"b.exe"),
        ("attachment; filename=\"c:\\a.exe\"", "c:\\a.exe"),
        ("attachment; filename = a b.exe ; x=y", "a b.exe"),
        ("attachment; FileName=a.exe", "a.exe"),
        ("attachment; filename=(x)a.exe", "a.exe"),
        ("attachment; filename*=utf-8'en'a%2Eexe", "a.exe"),
        ("attachment; filename*=a%2Eexe", "a.exe"),
        ("attachment; filename*=iso-8859-1''%E9.exe", "é.exe"),
        ("attachment; filename*1=.exe; filename*0=a", "a.exe"),
        ("attachment; filename*0*=utf-8''a%2E; filename*1=exe", "a.exe"),
        ("attachment; filename*0=a; filename*1=.txt; filename*1=.exe", "a.exe"),
        ("attachment; filename*99999999999999999999=a.exe", "a.exe"),
        ("attachment;\n filename\n =\n a.exe", "a.exe"),
        ("attachment; filename*0*=utf-16''%00a%00.; filename*1*=%00e%00x%00e", "a.exe"),
        ("attachment; filename*=utf-16''a%00.%00e%00x%00e%00", "a.exe"),
    ])
    func `a file name is among the readings`(field: String, name: String) throws {
        _ = Library()
        let found = try ParameterScan(Array(field.utf8)).values(of: "filename")
        #expect(
            found.contains(Array(name.utf8)), "\(found.map { String(decoding: $0, as: UTF8.self) })"
        )
    }

    @Test func `a field that names a file too often is over a limit`() throws {
        let often = ParameterScan(Array(String(repeating: "filename=a; ", count: 101).utf8))
        #expect(throws: StructureError.self) { try often.values(of: "filename") }
        let long =
            String(repeating: "filename='(x ", count: 90) + String(repeating: "a", count: 9_000)
        #expect(throws: StructureError.self) {
            try ParameterScan(Array(long.utf8)).values(of: "filename")
        }
    }

    @Test(arguments: [
        "attachment; xfilename=a", "attachment; filename", "filename*", "filename*1*", "",
    ])
    func `what is no parameter has no value`(field: String) throws {
        #expect(try ParameterScan(Array(field.utf8)).values(of: "filename").isEmpty)
    }
}
