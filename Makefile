# Each target is the only command needed after a clone. PYTHON=... and CXX=... name another Python and compiler.
PYTHON ?= python3
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
FUZZ_SECONDS ?= 600
unexport PYTHONPATH PYTHONHOME

bin := .venv/bin
pip := $(bin)/python -m pip --disable-pip-version-check --quiet
editable := --no-build-isolation --config-settings=build-dir=build/editable --editable
native := pyproject.toml CMakeLists.txt $(shell find csrc -name '*.h' -o -name '*.cpp' ! -name self_test.cpp) \
	src/tidegate/checks.py $(wildcard src/tidegate/cells/*.py)
package := $(shell find src -name __pycache__ -prune -o -type f ! -name '*.so' -print)

.DEFAULT_GOAL := help
.PHONY: help demo test test-isa test-aarch64 test-torch test-aeon test-browser sanitize sanitize-threads
.PHONY: wheel test-wheel bench bench-quick bench-page by-hand missing long literature size import-time clean
.DELETE_ON_ERROR:

help:
	@echo "make demo         trains and compares rnn, lstm and gru on the bundled data; files in demo/"
	@echo "make test         lint, types, import contracts and every test that needs no PyTorch"
	@echo "make test-isa     the core's self-test and the engine's tests on each instruction set of this machine"
	@echo "make test-aarch64 cross-compiles the core's self-test for aarch64 and runs it in QEMU"
	@echo "make test-torch   installs PyTorch, makes the oracle's files again and compares; the tests that need PyTorch"
	@echo "make test-aeon    installs the package aeon, apart, and compares its reading of .ts files with ours"
	@echo "make test-browser looks at the report in Chromium: errors, empty figures, what overflows at two widths"
	@echo "make sanitize     the engine's tests under AddressSanitizer and UndefinedBehaviorSanitizer; ten minutes of fuzzing"
	@echo "make sanitize-threads  the tests of threads under ThreadSanitizer"
	@echo "make wheel        builds a wheel for Linux (manylinux) into dist/"
	@echo "make test-wheel   installs the wheel where there is no compiler and runs the commands there"
	@echo "make bench        the engine beside PyTorch, JAX, ONNX Runtime, OpenVINO and Keras; ARGS=--help for a part of it"
	@echo "make bench-quick  our own times of a few rows against those of the last full run; under two minutes"
	@echo "make bench-page   docs/speed.md and its picture from the last full run"
	@echo "make by-hand      the generated kernels beside those written by hand: same results, and the ratio of times"
	@echo "make missing      the ways with missing values, in accuracy and time; some minutes; ARGS=--help"
	@echo "make long         the gradient of a million steps, in time and memory; a minute; ARGS=--help"
	@echo "make literature   the literature's tables; hours for all of them, goes on where it stopped; ARGS=ROW or --help"
	@echo "make size         the size of the package with all that it requires: at most 330 MiB"
	@echo "make import-time  the time of import tidegate and tidegate --help: at most three times import numpy"
	@echo "make clean        removes what these made"

demo: .venv/installed
	$(bin)/tidegate compare --output demo

test: .venv/installed-test
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/mypy
	$(bin)/lint-imports --no-cache
	$(bin)/python -m pytest

test-isa: build/self-test/built
	for set in $$($(bin)/python -c 'from tidegate.engine import instruction_sets as sets; print(*sets())'); do \
		echo "$$set" && build/self-test/self_test_$$set && \
		TIDEGATE_INSTRUCTION_SET=$$set $(bin)/python -m pytest tests/engine tests/training || exit 1; \
	done

test-aarch64: build/self-test-aarch64/built
	qemu-aarch64 build/self-test-aarch64/self_test_portable

test-torch: .venv/installed-torch
	$(bin)/python tests/oracle/make.py --check
	$(bin)/python -m pytest -m torch

test-aeon: build/aeon/installed
	PYTHONPATH=src build/aeon/venv/bin/python tests/data/aeon/make.py --check

test-browser:
	@$(PYTHON) tests/report/chromium.py
	@$(MAKE) .venv/installed-test
	$(bin)/python -m pytest -m browser

# pytest would keep a sanitizer's report on file descriptor 2 to itself: the process ends with it.
watched := -m pytest -p no:cacheprovider --capture=sys
sanitize: build/sanitize/installed
	tools/sanitize.sh memory $(watched) tests/engine
	tools/sanitize.sh memory tools/fuzz_engine.py --seconds $(FUZZ_SECONDS)

sanitize-threads: build/tsan/installed
	tools/sanitize.sh threads $(watched) tests/engine/test_threads.py tests/engine/test_calls.py \
		tests/engine/test_properties.py -k 'threads or stop or thread or interrupt'

wheel: build/wheel/built build/wheel/tools/installed
	tools/make_wheel.sh build/wheel/*.whl

test-wheel: wheel
	tools/test_wheel.sh

bench: build/bench/installed .venv/installed-test
	$(bin)/python -m pytest -q tests/engine
	build/bench/venv/bin/python -m benchmarks.engine $(ARGS)

bench-quick: .venv/installed-test
	$(bin)/python -m benchmarks.engine.quick $(ARGS)

bench-page: .venv/installed-test
	$(bin)/python -m benchmarks.engine.output

by-hand: build/by-hand/installed
	PYTHONPATH=build/by-hand/site:$$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))') \
		build/by-hand/venv/bin/python benchmarks/by_hand.py

missing: .venv/installed-test
	$(bin)/python -m benchmarks.missing $(ARGS)

long: .venv/installed-test
	$(bin)/python -m benchmarks.long_sequences $(ARGS)

literature: .venv/installed-test build/literature/exported
	$(bin)/python -m benchmarks.literature $(ARGS)

size: build/wheel/installed
	build/wheel/venv/bin/python tools/installed_size.py

import-time: build/wheel/installed
	build/wheel/venv/bin/python tools/import_time.py

clean:
	rm -rf .venv build dist demo .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find src tests tools -name __pycache__ -type d -prune -exec rm -r {} +

.venv/created:
	@tools/check_prerequisites.sh
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/build-tools: pyproject.toml | .venv/created
	@$(bin)/python tools/build_requirements.py > $@.txt
	@$(pip) install -r $@.txt
	@touch $@

.venv/installed: $(native) | .venv/build-tools
	@echo "Building and installing Tidegate into .venv: up to three minutes the first time"
	@$(pip) install $(editable) .
	@touch $@

.venv/installed-test: $(native) | .venv/build-tools
	@echo "Building and installing Tidegate with its test tools into .venv: some minutes the first time"
	@$(pip) install $(editable) '.[test]'
	@touch .venv/installed $@

.venv/installed-torch: requirements-torch.txt .venv/installed-test
	@echo "Installing PyTorch into .venv: some minutes the first time"
	@$(pip) install -r requirements-torch.txt
	@touch $@

build/aeon/installed: requirements-aeon.txt | .venv/created
	@echo "Installing aeon into build/aeon/venv: some minutes the first time"
	@$(PYTHON) -m venv build/aeon/venv
	@build/aeon/venv/bin/python -m pip --disable-pip-version-check --quiet install -r requirements-aeon.txt
	@touch $@

build/literature/installed: requirements-literature.txt | .venv/created
	@echo "Installing aeon and mnist1d into build/literature/venv: some minutes the first time"
	@$(PYTHON) -m venv build/literature/venv
	@build/literature/venv/bin/python -m pip --disable-pip-version-check --quiet install -r requirements-literature.txt
	@touch $@

build/literature/exported: benchmarks/literature/export.py build/literature/installed
	@build/literature/venv/bin/python -m benchmarks.literature.export build/literature/data
	@touch $@

define := --config-settings=cmake.define
unstripped := --config-settings=install.strip=false
build/sanitize/installed: defines := $(unstripped) $(define).TIDEGATE_SANITIZE=address,undefined
build/tsan/installed: defines := $(unstripped) $(define).TIDEGATE_SANITIZE=thread $(define).TIDEGATE_INSTRUCTION_SETS=portable
build/by-hand/installed: defines := $(define).TIDEGATE_BY_HAND=ON
build/sanitize/installed build/tsan/installed build/by-hand/installed: $(native) $(package) .venv/installed-test
	@echo "Building the engine into $(@D): some minutes the first time"
	@$(pip) install --no-build-isolation --no-deps --upgrade --target $(@D)/site \
		--config-settings=build-dir=$(@D)/cmake $(defines) .
	@$(bin)/python -m venv --without-pip $(@D)/venv
	@touch $@

build/self-test-aarch64/built: cross := --toolchain $(CURDIR)/tools/aarch64.cmake
build/self-test/built build/self-test-aarch64/built: $(native) csrc/self_test.cpp tools/aarch64.cmake .venv/installed-test
	$(if $(cross),@tools/check_aarch64.sh)
	@echo "Building the core's self-test into $(@D)"
	@PATH="$(CURDIR)/$(bin):$$PATH" cmake -S . -B $(@D) $(cross) -DTIDEGATE_SELF_TEST=ON > $(@D).log
	@PATH="$(CURDIR)/$(bin):$$PATH" cmake --build $(@D) >> $(@D).log || { cat $(@D).log; exit 1; }
	@touch $@

build/bench/peers: requirements-bench.txt | .venv/created
	@echo "Installing the peers of the benchmark into build/bench/venv: some minutes the first time"
	@$(PYTHON) -m venv build/bench/venv
	@build/bench/venv/bin/python -m pip --disable-pip-version-check --quiet install -r requirements-bench.txt
	@touch $@

build/bench/installed: build/wheel/built build/bench/peers
	@build/bench/venv/bin/python -m pip --disable-pip-version-check --quiet uninstall --yes tidegate
	@build/bench/venv/bin/python -m pip --disable-pip-version-check --quiet install build/wheel/*.whl
	@touch $@

build/wheel/built: $(native) $(package) | .venv/build-tools
	@echo "Building a wheel: some minutes the first time"
	@rm -f build/wheel/*.whl
	@$(pip) wheel --no-build-isolation --no-deps --wheel-dir build/wheel --config-settings=build-dir=build/wheel/cmake .
	@touch $@

build/wheel/tools/installed: requirements-wheel.txt | .venv/created
	@$(PYTHON) -m venv build/wheel/tools
	@build/wheel/tools/bin/python -m pip --disable-pip-version-check --quiet install -r requirements-wheel.txt
	@touch $@

build/wheel/installed: build/wheel/built
	@rm -rf build/wheel/venv
	@$(PYTHON) -m venv build/wheel/venv
	@build/wheel/venv/bin/python -m pip --disable-pip-version-check --quiet install build/wheel/*.whl
	@touch $@
