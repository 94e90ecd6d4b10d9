# The project's commands. `make help` lists them; none asks anything, all can be repeated at little cost.
PYTHON ?= python3
VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
STAMPS := build/.stamps
TREE := build/editable
ZEROMQ := build/_deps/zeromq-src
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
CLIP ?=

export PATH := $(BIN):$(PATH)
export CMAKE_BUILD_PARALLEL_LEVEL := $(JOBS)

CPP_FILES = $(shell git ls-files '*.c' '*.h' '*.cpp' '*.hpp')
CMAKE_FILES = $(shell git ls-files '*.cmake' 'CMakeLists.txt' '*/CMakeLists.txt')
NATIVE := $(shell find CMakeLists.txt cmake native ofx_bridge backend/native -name __pycache__ -prune -o -name '*.py' ! -name __init__.py -o -name '*.pyi' -o -name '*.md' -o -type f -print 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help setup demo test release lint format ctest pytest asan tsan bench clean \
        lint-ruff lint-mypy lint-clang-format lint-cmake-format lint-codespell

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup: $(STAMPS)/install ## install what is missing (system packages by apt, a .venv by pip), build everything

demo: setup ## make a clip, upscale it through the real plugin, measure, show; CLIP=path takes any video
	$(BIN)/sparkvsr demo $(if $(CLIP),--clip "$(CLIP)")

test: setup release lint ctest pytest ## set up, then run every check and every test

release: $(STAMPS)/release ## build the plugin for the hosts' own systems (glibc 2.28) into dist/

lint: lint-ruff lint-mypy lint-clang-format lint-cmake-format lint-codespell ## what pre-commit and CI check

format: $(STAMPS)/python ## rewrite the sources in the project's style
	$(BIN)/ruff check --fix-only -q .
	$(BIN)/ruff format -q .
	$(BIN)/clang-format -i $(CPP_FILES)
	$(BIN)/cmake-format -i $(CMAKE_FILES)

ctest: setup
	SPARKVSR_BACKEND_COMMAND='["$(BIN)/python", "-m", "sparkvsr_backend", "serve", "--device", "cpu", "--cache-gb", "1", "--idle-timeout", "20"]' \
	  ctest --test-dir $(TREE) --output-on-failure --no-tests=ignore

pytest: setup release
	SPARKVSR_RELEASE_BUNDLE="$(CURDIR)/dist/SparkVSR.ofx.bundle" $(BIN)/python -m pytest

asan: setup ## build plugin, link, host and libzmq with AddressSanitizer and UBSan, run the tests against them
	tools/sanitized_tests.sh address

tsan: setup ## the same with ThreadSanitizer
	tools/sanitized_tests.sh thread

bench: setup ## measure the transport and the lite engine, and its quality where there are real clips
	$(BIN)/python benchmarks/transport.py
	$(BIN)/python benchmarks/speed_lite.py
	if [ -d ../shared/data ]; then $(BIN)/python benchmarks/quality_lite.py --quick; fi

clean: ## remove everything that was built (not the .venv, not the downloads)
	rm -rf build/editable build/default build/debug build/asan build/tsan build/release dist $(STAMPS) .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

lint-ruff: $(STAMPS)/python
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

lint-mypy: $(STAMPS)/python
	$(BIN)/mypy

lint-clang-format: $(STAMPS)/python
	$(BIN)/clang-format --dry-run --Werror $(CPP_FILES)

lint-cmake-format: $(STAMPS)/python
	$(BIN)/cmake-format --check $(CMAKE_FILES)

lint-codespell: $(STAMPS)/python
	$(BIN)/codespell $$(git ls-files ':!*.svg' ':!*.png' ':!LICENSE' ':!tests/data')

# ---- stamps: each step runs again when what it reads has changed

$(STAMPS)/system: tools/system_packages.sh
	@mkdir -p $(@D)
	tools/system_packages.sh $(PYTHON)
	@touch $@

$(STAMPS)/python: $(STAMPS)/system tools/python_environment.sh pyproject.toml constraints.txt
	@mkdir -p $(@D)
	tools/python_environment.sh $(PYTHON) $(VENV)
	@touch $@

# Where apt has no source packages the build falls back to the pinned download by itself.
$(STAMPS)/zeromq: $(STAMPS)/system tools/fetch_zeromq.sh
	@mkdir -p $(@D)
	tools/fetch_zeromq.sh $(ZEROMQ) || echo "no source package to be had: CMake will download the pinned release of libzmq"
	@touch $@

# The editable install: builds the plugin, the host and the bindings in $(TREE), links the Python sources.
$(STAMPS)/install: $(STAMPS)/python $(STAMPS)/zeromq $(NATIVE)
	@mkdir -p $(@D)
	@echo "building the plugin, the link, the headless host and the bindings"
	$(BIN)/python -m pip install --disable-pip-version-check --verbose --no-deps --no-build-isolation -e . \
	  --config-settings=cmake.define.SPARKVSR_BUILD_TESTS=ON --config-settings=cmake.define.SPARKVSR_WERROR=ON
	cmake --build $(TREE)
	@touch $@

$(STAMPS)/release: $(STAMPS)/install cmake/ZigLinux.cmake CMakePresets.json tools/pack_release.py
	cmake --preset release
	cmake --build --preset release
	$(BIN)/python tools/pack_release.py build/release/SparkVSR.ofx.bundle dist
	@touch $@
