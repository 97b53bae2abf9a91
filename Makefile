# Two commands on a fresh machine: `make demo` and `make test`. Everything else is for people who work on prune.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null || echo $(BIN)/uv)
# faiss comes as several wheels that own one module: with this extra, its GPU build takes the CPU build's place
EXTRA := $(shell command -v nvidia-smi >/dev/null 2>&1 && echo '[gpu]')
TESTS := not gpu and not slow and not network and not soak
# the second tier: faults, a cluster, hostile data, extreme numbers, other processors and threads, examples as they are typed
SECOND := tests/faults tests/hostile tests/numbers tests/machines $(shell find tests -name test_faults.py) \
	tests/exporters/test_changed.py tests/steps/test_on_ray.py tests/steps/test_ray_faults.py \
	tests/commands/demos/test_texts.py tests/test_examples.py tests/test_readme.py
# each half of the tests in a process of its own, so that what a module makes is made once; who is done first helps
PYTEST := $(BIN)/python -m pytest -n auto --dist worksteal

.PHONY: help demo evidence test test-faults check test-kernels soak fix docs readme clean

help:
	@echo "make demo    build the environment and run the whole chain on a small real dataset"
	@echo "make evidence DATA=FOLDER   the README's first table: train on what each method keeps of CIFAR-10; goes on where it was stopped"
	@echo "make test    build the environment; formatter, linter, types and tests"
	@echo "make test-faults   the second tier: faults, hostile data, extreme numbers, threads, examples"
	@echo "make check   both tiers, as the gate runs them"
	@echo "make test-kernels  the tests that compare numbers, as on four kinds of processor"
	@echo "make soak    inject faults for two hours, and write docs/reliability.md from what came of it"
	@echo "make fix     format and repair what the linter can"
	@echo "make docs    write the page of every method from its docstring"
	@echo "make readme  paste the real output of the README's commands into it"

demo: $(VENV)/ready
	$(BIN)/prune demo --out demo

# DATA: a folder with train-*.parquet and test-*.parquet of CIFAR-10, as the hub has it
evidence: $(VENV)/ready
	$(BIN)/python benchmarks/evidence.py --data $(DATA) --store evidence.prune $(ONLY)

test: $(VENV)/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy & types=$$!; \
	$(PYTEST) -m "$(TESTS)" --durations 15 $(addprefix --ignore=,$(SECOND)); tests=$$?; \
	wait $$types || { echo "mypy found what stands above"; exit 1; }; exit $$tests

# What takes longer than all else and is seldom the first to fail.
test-faults: $(VENV)/ready
	$(PYTEST) -m "$(TESTS)" --durations 15 $(SECOND)

check: test-faults test

# what one kind of processor adds up differently in the last digit may decide nothing
test-kernels: $(VENV)/ready
	$(BIN)/python tests/kernels.py $(ONLY)

soak: $(VENV)/ready
	$(PYTEST) -m "$(TESTS)" --junitxml build/quick.xml $(SECOND)
	$(PYTEST) -m soak --junitxml build/soak.xml $(SECOND)
	$(BIN)/python docs/reliability.py build/quick.xml build/soak.xml

fix: $(VENV)/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/ready
	$(BIN)/python docs/make.py

readme: $(VENV)/ready
	$(BIN)/python tests/readme.py

clean:
	rm -rf $(VENV) demo

$(VENV)/ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -x "$(UV)" || $(BIN)/python -m pip install --quiet uv
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable ".$(EXTRA)" --group dev
	$(BIN)/python -m compileall -q prune
	touch $@
