// Callbacks: what libclamav calls while it scans. The context is the `ScanSource` of the scan.
// clamav.h, libclamav 1.4.
// SPDX-License-Identifier: MIT

import CClamAV
import Glibc
import Scanning

/// libclamav's way to read: the handle is a `ScanSource` that lives as long as the scan.
func readSource(
    _ handle: UnsafeMutableRawPointer?, _ buffer: UnsafeMutableRawPointer?, _ count: Int,
    _ offset: off_t
) -> off_t {
    guard let handle, let buffer else { return -1 }
    let source = Unmanaged<ScanSource>.fromOpaque(handle).takeUnretainedValue()
    return source.read(
        into: UnsafeMutableRawBufferPointer(start: buffer, count: count), at: offset)
}

/// Called with every word of libclamav; the context is the `ScanSource`, nil outside of a scan. A
/// part of a mail that cannot be unpacked, as on a full disk, is told here and nowhere else: the
/// scan goes on without it and ends with "clean".
func noteLostWrite(
    _ severity: cl_msg, _: UnsafePointer<CChar>?, _ text: UnsafePointer<CChar>?,
    _ context: UnsafeMutableRawPointer?
) {
    guard severity == CL_MSG_ERROR, let text, let context else { return }
    let words = ["write", "space", "create", "open", "temporary"]
    let said = String(cString: text).lowercased()
    guard words.contains(where: said.contains) else { return }
    Unmanaged<ScanSource>.fromOpaque(context).takeUnretainedValue().hasLostWrite = true
}

/// Called with the type and the bytes of everything that is scanned, for what libclamav recognises,
/// cannot open and calls clean all the same: RAR without its module, and what `ZipStructure` finds.
func noteUnopened(
    _: Int32, _ type: UnsafePointer<CChar>?,
    _: UnsafeMutablePointer<UnsafePointer<CChar>?>?, _: Int, _: UnsafePointer<CChar>?,
    _ size: Int, _ bytes: UnsafePointer<CChar>?, _: UInt32, _: UInt32,
    _ context: UnsafeMutableRawPointer?
) -> cl_error_t {
    guard let type, let context else { return CL_CLEAN }
    let source = Unmanaged<ScanSource>.fromOpaque(context).takeUnretainedValue()
    if strncmp(type, "CL_TYPE_RAR", 11) == 0, !VirusEngine.opensRAR { source.unopened = "rar" }
    let isZip = strcmp(type, "CL_TYPE_ZIP") == 0 || strncmp(type, "CL_TYPE_OOXML", 13) == 0
    if isZip, let bytes {
        let archive = ZipStructure(UnsafeRawBufferPointer(start: bytes, count: max(0, size)))
        source.unopened = archive.trouble ?? source.unopened
    }
    return CL_CLEAN
}

/// Called with the name of every alert.
func noteAlert(
    _: Int32, _ name: UnsafePointer<CChar>?, _ context: UnsafeMutableRawPointer?
) {
    guard let name, let context else { return }
    let source = Unmanaged<ScanSource>.fromOpaque(context).takeUnretainedValue()
    if source.alerts.count < 1000 { source.alerts.append(String(cString: name)) }
}
