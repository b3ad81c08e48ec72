# make run starts everything; make test checks everything. Both install what they need first.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help secrets cluster-test compose-test install dev run down backfill-demo bench test test-stacks test-servers test-servers-a-l test-servers-m-z test-units test-quick test-browser test-long test-pythons upgrade-check cases chaos fuzz audit lint lock training-code report clean

BIN := .venv/bin
PROSE := *.md docs/*.md docs/how-to/*.md docs/adr/*.md
UV := $(BIN)/uv
COMPILE := $(UV) pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet

help:
	@echo "make run      start the embedded stack, sweep the example grids, follow them (Ctrl-C ends it)"
	@echo "make down     stop the embedded stack"
	@echo "make backfill-demo  sweep a week of daily data on a stack of its own, and draw its champions"
	@echo "make test     everything that CI runs"
	@echo "make test-stacks, test-servers, test-units  the parts of it: whole stacks, single servers, neither"
	@echo "make test-quick  unit and integration tests that take no more than a second or two each"
	@echo "make test-browser  the pages in Debian's Chromium, which apt installs where it is not (root)"
	@echo "make upgrade-check  the quick tests on the newest releases, pre-releases too, in .venv-newest"
	@echo "make test-pythons  the unit tests on each of Python 3.11, 3.12 and 3.13 that this machine has"
	@echo "make cases    inputs as people bring them, held against pandas and scikit-learn (in make test too)"
	@echo "make test-long  what takes long: kills at random, dropped files, outages, starving backfills, several hosts"
	@echo "make secrets  write .env, and random passwords into secrets/, for docker-compose.yml"
	@echo "make cluster-test  the compose file on hosts in network namespaces (root; apt installs what it needs)"
	@echo "make compose-test  the compose file on a Docker engine (root on Debian, or an engine that runs)"
	@echo "make fuzz     a hundred thousand generated grid files (about ten minutes; FILES=n, SEED=n)"
	@echo "make audit    look the dependencies up among the known vulnerabilities (needs PyPI)"
	@echo "make chaos    kill thirty processes under three sweeps, drop five hundred files (KILLS=n, SEED=n, DROPS=n)"
	@echo "make bench    measure beside other ways to do the same; ARGS=--full adds what takes long"
	@echo "make lint     the static checks alone"
	@echo "make install  create .venv and install into it"
	@echo "make lock     resolve the dependencies again (UPGRADE=1: to their newest releases)"
	@echo "make report   make docs/report.md, in Russian too, and their PDFs, from a real run"
	@echo "make training-code  record the code that scores are of, after a change of it (CONTRIBUTING.md)"
	@echo "make clean    stop the stack; remove .venv, its state and every cache"

install: .venv/.installed
dev: .venv/.installed-dev

run: install
	$(BIN)/sweepstake up --follow

down:
	@if [ -x $(BIN)/sweepstake ]; then $(BIN)/sweepstake down; fi

backfill-demo: install
	scripts/backfill_demo.sh

# Three parts at a time, the longest first: stacks and servers wait most of the time, so that two cores are idle.
test: lint
	@scripts/cluster_needs.sh
	@scripts/browser_needs.sh
	@$(MAKE) --no-print-directory --keep-going --jobs=3 test-stacks test-servers-a-l test-servers-m-z test-units

test-stacks: dev
	$(BIN)/pytest --durations=25 -m "not long" tests/cluster tests/compose tests/e2e

test-servers: test-servers-a-l test-servers-m-z

test-servers-a-l: dev
	$(BIN)/pytest --durations=20 -m "not long" tests/integration/test_[a-l]*.py

test-servers-m-z: dev
	$(BIN)/pytest --durations=20 -m "not long" tests/integration/test_[m-z]*.py

test-units: dev
	$(BIN)/pytest --durations=10 -m "not long" tests/browser tests/fuzz tests/unit

test-quick: dev
	$(BIN)/pytest -m "not long and not slow" tests/unit tests/integration

test-browser: dev
	@scripts/browser_needs.sh
	$(BIN)/pytest tests/browser

upgrade-check: dev
	UV=$(UV) scripts/upgrade_check.sh "not long and not slow"

cases: dev
	$(BIN)/pytest tests/integration/test_cases.py

# A version that is not there is told of and left out; its environment is made beside .venv.
test-pythons: .venv/.tools
	UV=$(UV) scripts/test_pythons.sh

test-long: dev
	@scripts/cluster_needs.sh
	$(BIN)/pytest -m long

secrets:
	@python=$$(sh scripts/python.sh) && "$$python" scripts/make_secrets.py .env

cluster-test: dev
	@scripts/cluster_needs.sh
	$(BIN)/pytest -m "long or not long" tests/cluster

# An engine that ran before stays, with its images; the one started here goes with all that is in it.
compose-test: dev
	@trap 'scripts/engine.sh stop' EXIT; \
	scripts/engine.sh start && scripts/engine.sh images && scripts/engine.sh build && \
	$(BIN)/pytest -m "long or not long" tests/compose

fuzz: dev
	$(BIN)/python tests/fuzz/test_fuzz.py --files $(or $(FILES),100000) --seed $(or $(SEED),0)

chaos: dev
	SWEEPSTAKE_TEST_KILLS=$(or $(KILLS),30) SWEEPSTAKE_TEST_SEED=$(or $(SEED),4) \
		SWEEPSTAKE_TEST_DROPS=$(or $(DROPS),500) \
		$(BIN)/pytest -s tests/e2e/test_chaos.py tests/e2e/test_drops.py

audit: dev
	$(BIN)/pip-audit --strict --disable-pip --requirement requirements.txt

bench: install .venv-bench/.installed
	$(BIN)/python -m bench $(ARGS)

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/proselint check --config proselint.json $(PROSE)
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive src

training-code: dev
	$(BIN)/python scripts/training_code.py

report: dev
	@scripts/browser_needs.sh
	PYTHONPATH=tests/servers $(BIN)/python scripts/report

lock: .venv/.tools
	$(COMPILE) $(if $(UPGRADE),--upgrade) --group build --output-file requirements-build.txt
	$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml --extra celery --extra embedded --extra login --extra s3 \
		--output-file requirements.txt
	$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml --extra catboost --extra celery --extra embedded --extra imbalanced --extra lightgbm --extra login \
		--extra s3 --extra xgboost --group dev \
		--constraints requirements.txt --output-file requirements-dev.txt
	$(COMPILE) $(if $(UPGRADE),--upgrade) bench/requirements.in --constraints requirements.txt \
		--output-file bench/requirements.txt

clean: down
	rm -rf .venv .venv-bench .venv-3.* .venv-newest .sweepstake dist .mypy_cache .pytest_cache .ruff_cache .hypothesis \
		.import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/.tools: requirements-build.txt
	@python=$${PYTHON:-$$(sh scripts/python.sh)} || exit 1; \
	if [ ! -x $(BIN)/python ]; then "$$python" -m venv .venv; fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements-build.txt
	@touch $@

.venv/.installed: .venv/.tools requirements.txt pyproject.toml
	$(UV) pip install --quiet --compile-bytecode --require-hashes -r requirements.txt
	$(UV) pip install --quiet --no-build-isolation --no-deps -e .
	$(BIN)/python -m compileall -q src # else each process compiles it anew where Python writes no bytecode
	@touch $@

.venv/.installed-dev: .venv/.installed requirements-dev.txt
	$(UV) pip install --quiet --compile-bytecode --require-hashes -r requirements-dev.txt
	@touch $@

.venv-bench/.installed: .venv/.tools bench/requirements.txt
	$(UV) venv --quiet --allow-existing --python $(BIN)/python .venv-bench
	$(UV) pip install --quiet --compile-bytecode --python .venv-bench --require-hashes \
		-r bench/requirements.txt
	@touch $@
