# Front door: every target works from a fresh clone on Debian 12. The work is in scripts/ and CMakePresets.json.
SHELL := /bin/bash
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
BENCH_ARGS ?=

.PHONY: help build demo check test nightly bench asan tsan ubsan aarch64 riscv64 fuzz format install deb clean

help:
	@echo 'make build    optimised build in build/release (command: build/release/anyrt)'
	@echo 'make demo     run real models on real input'
	@echo 'make check    debug build, unit tests, layering, formatting, fast conformance'
	@echo 'make test     release build and every test'
	@echo 'make nightly  sanitizers, every ISA, AArch64 and RISC-V, long fuzzing'
	@echo 'make bench    models against ONNX Runtime and OpenVINO; BENCH_ARGS="--models resnet50 --threads 1" (docs/benchmarks.md)'
	@echo 'make asan | tsan | ubsan   unit tests and conformance under a sanitizer'
	@echo 'make aarch64 | riscv64     the same cross-built, run under qemu'
	@echo 'make fuzz     each fuzzer for FUZZ_SECONDS (60)'
	@echo 'make format   reformat all sources'
	@echo 'make install  install below PREFIX (/usr/local), DESTDIR honoured'
	@echo 'make deb      a Debian package in build/release'
	@echo 'make clean    remove build/'

build:
	@scripts/setup.sh build
	@scripts/build.sh release

demo:
	@scripts/demo.sh

check:
	@scripts/setup.sh build check
	@scripts/test.sh check

test:
	@scripts/setup.sh build check test fuzz python
	@scripts/test.sh full

nightly:
	@scripts/setup.sh build check test fuzz nightly python
	@scripts/nightly.sh

bench:
	@scripts/setup.sh build bench
	@scripts/bench.sh $(BENCH_ARGS)

asan tsan ubsan aarch64 riscv64:
	@scripts/setup.sh build
	@scripts/test.sh $@

fuzz:
	@scripts/setup.sh build fuzz
	@scripts/fuzz.sh $(FUZZ_SECONDS)

format:
	@scripts/setup.sh check
	@scripts/check_format.sh --fix

install: build
	@cmake --install build/release --prefix $(PREFIX)

deb: build
	@cd build/release && cpack -G DEB

clean:
	@rm -rf build
