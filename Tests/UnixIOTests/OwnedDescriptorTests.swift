// Tests of OwnedDescriptor, Files and reading and writing.
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing
import UnixIO

struct OwnedDescriptorTests {
    private let testFolder: TestFolder
    private var folder: String { testFolder.path }

    init() throws { testFolder = try TestFolder() }

    private func isOpen(_ number: Int32) -> Bool { fcntl(number, F_GETFD) != -1 }

    @Test func `an error names call, object and reason`() {
        let error = #expect(throws: SystemError.self) {
            _ = try Files.open("\(folder)/absent", O_RDONLY)
        }
        #expect(error?.description == "open \(folder)/absent: No such file or directory")
    }

    @Test func `a descriptor is close-on-exec`() throws {
        let file = try Files.open("/dev/null", O_RDONLY)
        #expect(fcntl(file.number, F_GETFD) & FD_CLOEXEC != 0)
        let copy = try file.duplicate()
        #expect(fcntl(copy.number, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test func `a nameless file has no name until it is linked`() throws {
        let file = try Files.nameless(in: folder)
        try file.borrowed.writeAll(Array("hello".utf8), "nameless")
        #expect(try Files.names(in: folder).isEmpty)
        let directory = try Files.openFolder(folder)
        try Files.link(file.borrowed, as: "whole", in: directory.borrowed)
        #expect(try Files.contents(of: "\(folder)/whole") == Array("hello".utf8))
    }

    @Test func `a name that is taken is never replaced`() throws {
        let directory = try Files.openFolder(folder)
        let first = try Files.nameless(in: folder)
        try Files.link(first.borrowed, as: "taken", in: directory.borrowed)
        let second = try Files.nameless(in: folder)
        let error = #expect(throws: SystemError.self) {
            try Files.link(second.borrowed, as: "taken", in: directory.borrowed)
        }
        #expect(error?.errno == .fileExists)
    }

    @Test func `what is reopened for reading cannot be written and has its own offset`() throws {
        let memory = try Files.inMemory("message")
        try memory.borrowed.writeAll(Array("hello".utf8), "memory")
        let reader = try memory.reopenedForReading()
        #expect(try reader.borrowed.readToEnd("memory") == Array("hello".utf8))
        #expect(throws: SystemError.self) { try reader.borrowed.writeAll([0], "memory") }
    }

    @Test func `reading at an offset stops at the end of the file`() throws {
        let memory = try Files.inMemory("message")
        try memory.borrowed.writeAll(Array("hello".utf8), "memory")
        #expect(try memory.borrowed.bytes(at: 1, count: 3, "memory") == Array("ell".utf8))
        #expect(try memory.borrowed.bytes(at: 3, count: 30, "memory") == Array("lo".utf8))
        #expect(try memory.borrowed.bytes(at: 30, count: 3, "memory").isEmpty)
    }

    @Test func `more than the limit is an error and not a part`() throws {
        let memory = try Files.inMemory("message")
        try memory.borrowed.writeAll([UInt8](repeating: 1, count: 100), "memory")
        try memory.borrowed.rewind("memory")
        let error = #expect(throws: SystemError.self) {
            _ = try memory.borrowed.readToEnd("memory", limit: 99)
        }
        #expect(error?.errno == .fileTooLarge)
    }

    @Test func `a full device is an error of the write`() throws {
        let full = try Files.open("/dev/full", O_WRONLY)
        let error = #expect(throws: SystemError.self) {
            try full.borrowed.writeAll([0], "/dev/full")
        }
        #expect(error?.description == "write /dev/full: No space left on device")
    }

    @Test func `a lock keeps others out until its holder is closed`() throws {
        let path = "\(folder)/lock"
        let other = try Files.open(path, O_RDWR | O_CREAT)
        do {
            let holder = try Files.open(path, O_RDWR)
            #expect(try holder.borrowed.tryLock(path))
            #expect(try !other.borrowed.tryLock(path))
        }
        #expect(try other.borrowed.tryLock(path))
    }

    @Test(arguments: ["a/b/c", "a//b", "a/b/"])
    func `folders are made down to the last`(path: String) throws {
        try Files.makeFolders("\(folder)/\(path)")
        try Files.makeFolders("\(folder)/\(path)")
        #expect(try Files.status("\(folder)/\(path)") != nil)
    }

    @Test func `nothing has no status, and that is no error`() throws {
        #expect(try Files.status("\(folder)/absent") == nil)
        #expect(try Files.status("/dev/null/absent") == nil)
    }
}
