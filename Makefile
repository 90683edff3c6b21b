# Everything is run from here; `make` alone lists the targets.
PYTHON ?= python3
PROFILE ?= published

BIN := .venv/bin
INSTALLED := .venv/installed
unexport JUPYTER_PATH # which may name another kernel called python3

.PHONY: help run test lab study bench site course notebooks wasm lint lock clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile

run: $(INSTALLED) ## execute the series (ONLY="01 03": these) into build/
	@$(BIN)/python -m utils.tools.notebooks run $(ONLY)

test: $(INSTALLED) ## run every test, a file at a time on each core
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

lab: .venv/trusted ## open the notebooks in JupyterLab, on this machine only
	$(BIN)/python -m jupyterlab notebooks

study: $(INSTALLED) ## run or resume a whole study (PROFILE=published)
	$(BIN)/python -m utils.studies $(PROFILE)

bench: $(INSTALLED) ## time training and write build/bench.json
	$(BIN)/python -m utils.tools.bench

site: $(INSTALLED) ## write the notebooks as pages with live explorers to build/site/
	@$(BIN)/python -m utils.tools.site

course: $(INSTALLED) ## write notebooks without solutions, and the solutions, for a class
	@$(BIN)/python -m utils.tools.course build

notebooks: $(INSTALLED) ## execute the notebooks in place, to commit them
	@$(BIN)/python -m utils.tools.notebooks commit $(ONLY)

wasm: $(INSTALLED) ## compile the page's network (needs the extra `wasm`)
	$(BIN)/python -m utils.tools.wasm

lint: $(INSTALLED) ## check style and format, changing nothing
	$(BIN)/ruff check
	$(BIN)/ruff format --check

lock: $(INSTALLED) ## remake requirements.lock, keeping the pins that still fit
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --custom-compile-command "make lock" \
		--extra dev pyproject.toml --output-file requirements.lock

clean: ## remove .venv, caches and build/ with all that is in it
	rm -rf .venv build .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
	find . -name .ipynb_checkpoints -prune -exec rm -rf {} +

# An installation that is cut short leaves no stamp, and begins again.
$(INSTALLED): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo '$(PYTHON) was not found. Name' \
		'another Python: make run PYTHON=python3.12'; exit 1; } >&2
	@$(PYTHON) utils/tools/install.py
	@touch $^ $@ # all three: a file may be dated in the future

# Explorers are alive at once in notebooks that the user's Jupyter trusts.
.venv/trusted: $(INSTALLED) $(wildcard notebooks/*.ipynb)
	@$(BIN)/python -m jupyter trust notebooks/*.ipynb >/dev/null
	@touch $@
