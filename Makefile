# make          build everything into .build/release
# make run      start a complete server in var/, on 127.0.0.1 port 2525
# make test     run all tests
# make interop  run tests against servers of others, from Debian packages unpacked in .build/interop
# make check    lint, build, tests and manual pages
# make bench    print what it costs, beside Postfix
# make fuzz DURATION=1h             let the fuzzer look for what traps, or is not as it must be
# make install PREFIX=/usr/local DESTDIR= SENDMAIL=no   put programs, manuals, units and examples in
#               their place; with SENDMAIL=yes also links named sendmail, mailq and newaliases
# make uninstall PREFIX=/usr/local DESTDIR=  take them away
# make conformance SUITES=FOLDER    run suites of others, which are not part of this project
# SPDX-License-Identifier: MIT

ROOT ?= var
DURATION ?= 60
PREFIX ?= /usr/local
DESTDIR ?=
SENDMAIL ?= no

.PHONY: build run test interop fuzz install uninstall conformance check lint lint-manuals bench toolchain packages test-packages clean

build: toolchain packages
	swift build -c release

run: build
	@exec scripts/run "$(ROOT)"

test: toolchain test-packages
	swift build --build-tests
	swift test --skip-build --skip '^InteropTests\.'

interop: toolchain test-packages
	swift build --build-tests
	swift test --skip-build --filter '^InteropTests\.'

check: lint lint-manuals build test interop

lint: toolchain
	swift format lint --strict --recursive Package.swift Sources Tests

lint-manuals: test-packages
	mandoc -T lint -W warning man/*

# Not after build: who installs as root has built as somebody else.
install:
	PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" SENDMAIL="$(SENDMAIL)" scripts/install

uninstall:
	PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" scripts/install --remove

bench: build
	Benchmarks/run

fuzz: toolchain
	@scripts/fuzz $(DURATION)

conformance: build
	scripts/conformance $(SUITES)

toolchain:
	@command -v swift > /dev/null || { \
	    echo "Swift 6.2 or later is missing: https://www.swift.org/install/linux/" >&2; exit 1; }

packages:
	@scripts/install-packages build

test-packages:
	@scripts/install-packages build test

clean:
	rm -rf .build
