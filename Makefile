# Everything works from a fresh clone: each target first makes .venv and looks after the system libraries.
#
#   make demo          the sample in napari, prompts placed, objects drawn
#   make test          all tests, on a virtual screen
#   make test-oldest   the same with the lowest version of every dependency, in .venv-oldest; make test-wheel: the wheel, in .venv-wheel
#   make lint          ruff, mypy, import-linter, npe2, typos
#   make docs          the documentation, into site/
#   make bench         the timings, as a table with ratios; DATA=FOLDER adds mosaics and stacks
#   make campaign      abuse by the thousand, hours of it; ARGS='files --seconds 300 --seed 1' does one for some minutes
#   make peers         other ways to the same objects beside this one, as a table; ARGS='--data FOLDER'
#   make audit         dependencies with known vulnerabilities; asks the advisory database
#   make screenshots   the pictures of the documentation, from the running program
#   make nuclei-model DATA=FOLDER   trains the model that is bundled, into build/; ARGS=--resume goes on
#   make microscopy-model DATA=FOLDER   trains one for more than nuclei, on a GPU, and judges it
#   make clean         away with what the targets above made, .venv too
#
# PYTHON=python3.12 takes another interpreter; VISIBLE=1 shows on your screen what else runs on a virtual one;
# ARGS='-k dock' goes to pytest.

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
OLDEST := .venv-oldest/bin
WHEEL := .venv-wheel/bin
PIP := -m pip install --quiet --disable-pip-version-check --only-binary :all:
INSTALLED := $(VENV)/.installed
SCREEN := scripts/with-display.sh
export VISIBLE

.PHONY: setup system demo test test-oldest test-wheel lint docs bench campaign peers audit screenshots annotated nuclei-model microscopy-model clean
.DEFAULT_GOAL := setup

setup: system $(INSTALLED)

system:
	@scripts/check-python.sh $(PYTHON)
	@scripts/system-libraries.sh $(PYTHON)

# Repeated only when what is to be installed has changed. The stamp comes last: a broken install is tried again.
$(INSTALLED): pyproject.toml | system
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing napari-fastsam and what it needs into $(VENV) (torch is large: some minutes the first time)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[all,dev]"
	@touch $@

demo: setup
	@$(BIN)/python -m napari_fastsam.demo

# Two processes side by side, each with a screen of its own and one thread; one that is done takes half of what the other
# has left, in order, so that both end together.
test: setup
	OMP_NUM_THREADS=1 $(SCREEN) $(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

# build/oldest.txt says which versions these are.
test-oldest: system
	test -x $(OLDEST)/python || $(PYTHON) -m venv .venv-oldest
	$(OLDEST)/python $(PIP) uv packaging
	$(OLDEST)/python scripts/oldest.py build/oldest.txt
	$(OLDEST)/python $(PIP) --requirement build/oldest.txt
	$(OLDEST)/python -m pip install --quiet --no-deps --editable .
	OMP_NUM_THREADS=1 $(SCREEN) $(OLDEST)/python -m pytest -n 2 --dist worksteal $(ARGS)

# What is to be published, installed as by somebody who has no clone.
test-wheel: system
	rm -rf dist .venv-wheel
	$(PYTHON) -m venv .venv-wheel
	$(WHEEL)/python $(PIP) build twine
	$(WHEEL)/python -m build --outdir dist
	$(WHEEL)/twine check --strict dist/*
	$(WHEEL)/python $(PIP) "$$(ls dist/*.whl)[all]"
	cd dist && $(CURDIR)/$(SCREEN) $(CURDIR)/$(WHEEL)/napari-fastsam demo --screenshot demo.png && rm demo.png

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/npe2 validate napari.yaml
	$(BIN)/typos

docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: setup
	$(SCREEN) $(BIN)/python -m pytest benchmarks $(ARGS)
	$(BIN)/python benchmarks/many_images.py
ifneq ($(DATA),)
	$(BIN)/python benchmarks/mosaic.py --data "$(DATA)/dsb2018"
	$(BIN)/python benchmarks/stacks.py --data "$(DATA)"
endif

campaign: setup
	OMP_NUM_THREADS=1 $(SCREEN) $(BIN)/python benchmarks/campaigns $(ARGS)

peers: setup
	$(BIN)/python benchmarks/peers.py $(ARGS)

# In an environment of its own: what audits is no dependency of what is audited. Strict: what could not be looked up fails.
audit: setup
	$(PYTHON) -m venv build/audit
	build/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	$(BIN)/python -m pip freeze --exclude-editable > build/audit/installed.txt
	build/audit/bin/pip-audit --requirement build/audit/installed.txt --no-deps --disable-pip --strict $(ARGS)

screenshots: setup
	$(SCREEN) $(BIN)/python scripts/screenshots.py

annotated:
	@test -n "$(DATA)" || { echo 'Name the annotated images: make $(MAKECMDGOALS) DATA=FOLDER (see docs/train.md)' >&2; exit 2; }

nuclei-model: annotated setup
	test -f build/nuclei-coarse.pt || \
	  $(BIN)/napari-fastsam train "$(DATA)" -o build/nuclei-coarse.pt --base yolov8n-seg.yaml --epochs 40 --seed 0 $(ARGS)
	$(BIN)/napari-fastsam train "$(DATA)" -o build/nuclei.pt --base build/nuclei-coarse.pt --object-size 36 --imgsz 256 --epochs 30 --learning-rate 0.001 --seed 0 $(ARGS)
	$(BIN)/napari-fastsam evaluate "$(DATA)" --model build/nuclei.pt --held-out

microscopy-model: annotated setup
	$(BIN)/napari-fastsam train "$(DATA)/dsb2018" "$(DATA)/general" -o build/microscopy.pt --base nuclei --minutes 8 --batch 96 --imgsz 288 --learning-rate 0.0015 --seed 0 $(ARGS)
	$(BIN)/python benchmarks/by_kind.py --data "$(DATA)" --held-out-of build/microscopy.pt nuclei build/microscopy.pt

clean:
	rm -rf $(VENV) .venv-oldest .venv-wheel site dist build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks
	rm -f .coverage napari-fastsam-demo.png
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
