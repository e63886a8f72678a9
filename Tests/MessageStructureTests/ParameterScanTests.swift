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
    ])
    func `a file name is among the readings`(field: String, name: String) {
        _ = Library()
        let found = ParameterScan(Array(field.utf8)).values(of: "filename")
        #expect(
            found.contains(Array(name.utf8)), "\(found.map { String(decoding: $0, as: UTF8.self) })"
        )
    }

    @Test(arguments: [
        "attachment; xfilename=a", "attachment; filename", "filename*", "filename*1*", "",
    ])
    func `what is no parameter has no value`(field: String) {
        #expect(ParameterScan(Array(field.utf8)).values(of: "filename").isEmpty)
    }
}
