# Everything is set up on first use: Poetry in .tools/, the project in .venv/. Stamps beside them keep a second call from
# doing it again; `make clean` forgets it all.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The first Python on the path that the project runs on; `make PYTHON=/path/to/python3.12 ...` chooses another.
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null && echo $$name && break; done)
TOOLS := .tools/.poetry
BIN := .venv/bin
EXPORT := .tools/bin/poetry export --no-interaction
INSTALL_LOCKED := scripts/install-locked .tools/bin/python $(BIN)/python

SAMPLE := credit_accounts
SAMPLES := $(SAMPLE) card_transactions platform_activity purchases orders
ROWS ?= 20000
SEED ?= 7
ARGS ?=

# Sample data that are not there yet, and a model of them; of the kinds that cards may have, the quickest. With
# missing=yes, only of use cases that have no champion.
define train_samples
mkdir -p data; for name in $(SAMPLES); do \
  [ -z "$${missing-}" ] || [ ! -e models/$$name/aliases.json ] || continue; \
  table=data/$$name.csv; options=; rows=; \
  case $$name in \
    credit_accounts) rows='--rows $(ROWS) --seed $(SEED)';; \
    card_transactions) options='--model xgboost';; \
    purchases) table=data/$$name;; \
  esac; \
  [ -e $$table ] || $(1) sample $$name $$rows --output $$table; \
  $(1) train $$name --data $$table $$options; done
endef

##@ Use
.PHONY: help
help: ## Say what can be made
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: serve
serve: .venv/.project ## Set up what serving needs, train the sample model if there is none, serve on port 8000
	@test -e models/$(SAMPLE)/aliases.json || missing=yes $(MAKE) sample-model
	@[ ! -e pipeline/orders.histories.json ] || grep -qs '^FRAUD_KEEP=' .env || export FRAUD_KEEP="$${FRAUD_KEEP-orders=full}"; \
	exec $(BIN)/fraud serve $(ARGS)

.PHONY: pipeline
pipeline: .venv/.project ## From sample orders of a year to a model and histories, for `make serve` to serve
	@$(BIN)/fraud pipeline run $(ARGS)
	@echo 'Now `make serve`: POST /orders/predict knows these customers, and forgets no order when it is restarted.'

.PHONY: sample-model
sample-model: .venv/.project ## Train a model of each use case on sample data and publish it in models/
	@$(call train_samples,$(BIN)/fraud)

.PHONY: install
install: .venv/.notebooks .venv/.project ## Set up everything: serving, training, development, notebooks

# The tests run as many processes as there are cores: threads that a library starts in each only wait for each other.
test coverage test-variant test-variants: export OMP_NUM_THREADS := 1

##@ Prove
.PHONY: test
test: .venv/.dev .venv/.project ## Run the tests (ARGS="-k ping" for some of them)
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

.PHONY: coverage
coverage: .venv/.dev .venv/.project ## Run the tests with branch coverage, 95 % at least; it takes half as long again
	@floor=; ls src/*/model/_forest*.so >/dev/null 2>&1 || floor=--cov-fail-under=85; \
	$(BIN)/python -m pytest --cov -n 2 --dist loadfile $$floor $(ARGS)

.PHONY: test-variant
test-variant: .venv/.dev .venv/.project ## Run the tests of the parts in C on another build (VARIANT=absent, walk, portable or sanitized)
	@scripts/test-compiled .tools/bin/python $(BIN)/python $(VARIANT) $(ARGS)

.PHONY: test-variants
test-variants: .venv/.dev .venv/.project ## Run every variant of test-variant with fewer examples, two at a time
	@printf '%s\n' sanitized absent walk portable | xargs -P 2 -I {} bash -c ' \
	  said=$$(scripts/test-compiled --quick .tools/bin/python $(BIN)/python {} 2>&1) && code=0 || code=$$?; \
	  printf "Parts in C, %s:\n%s\n" {} "$$said"; exit $$code'

.PHONY: lint
lint: .venv/.dev .venv/.project ## Check style, types and import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: .venv/.dev ## Fix what ruff can fix
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: notebooks
notebooks: install ## Execute every notebook, two at a time, outputs thrown away
	@out=$$(mktemp -d); trap 'rm -rf "$$out"' EXIT; \
	cd notebooks; ls *.ipynb | xargs -P 2 -I {} ../$(BIN)/jupyter execute {} --kernel_name=python3 --output="$$out/{}"

.PHONY: postman
postman: .venv/.project node_modules/.ready ## Run the Postman collection against a live server with fresh sample models
	@bin="$(CURDIR)/$(BIN)"; work=$$(mktemp -d); cd "$$work"; \
	trap '[ $$? = 0 ] || cat "$$work/log"; kill $$(jobs -p) 2>/dev/null || true; wait; rm -rf "$$work"' EXIT; \
	free='import socket; s = [socket.create_server(("127.0.0.1", 0)) for _ in "ab"]; print(*(i.getsockname()[1] for i in s))'; \
	read -r port pipeline <<<"$$("$$bin/python" -c "$$free")"; \
	export FRAUD_MODELS=models FRAUD_STORE=sqlite:///store FRAUD_STORE_PROJECTS=raizen_gasoline FRAUD_KEEP= FRAUD_FIND=; \
	export FRAUD_HISTORIES=memory FRAUD_PIPELINE=pipeline FRAUD_RAW_ORDERS=raw_orders FRAUD_JOURNAL= FRAUD_DASK=none; \
	{ $(call train_samples,"$$bin/fraud"); } >log 2>&1; \
	mkdir -p raw_orders/january; cp data/orders.csv raw_orders/january; \
	"$$bin/fraud" serve --port "$$port" >>log 2>&1 & \
	FRAUD_MODELS=pipeline_models "$$bin/fraud" pipeline serve --port "$$pipeline" >>log 2>&1 & \
	for address in "$$port/ready" "$$pipeline/ping"; do for _ in $$(seq 150); do \
	  "$$bin/python" -c "import urllib.request as r; r.urlopen('http://127.0.0.1:$$address')" 2>/dev/null && break; \
	  kill -0 $$!; sleep 0.2; done; done; \
	cd "$(CURDIR)"; npx --no-install newman run postman_collection.json \
	  --env-var "baseUrl=http://127.0.0.1:$$port" --env-var "pipelineUrl=http://127.0.0.1:$$pipeline"

.PHONY: benchmark
benchmark: .venv/.dev .venv/.project ## Measure the service against its yardsticks (ARGS are handed on)
	$(BIN)/python -m benchmarks.serving $(ARGS)

##@ Ship
.PHONY: image
image: ## Build the serving image
	docker build --target serving --tag fraud_detection_api .

.PHONY: clean
clean: ## Remove what make made, but no models and no data
	rm -rf .venv .tools .make node_modules build dist reports .coverage .coverage.* coverage.xml \
	  .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find src tests benchmarks \( -name '*.so' -o -name __pycache__ \) -prune -exec rm -rf {} +

$(TOOLS): scripts/set-up-poetry scripts/install-locked scripts/poetry.txt
	@scripts/set-up-poetry '$(PYTHON)' .tools
	@touch $@

# What the lock file holds, and nothing else: serving and training first, the rest when it is needed.
.venv/.serve: $(TOOLS) poetry.lock
	@echo 'Installing what serving and training need in .venv/'
	@[ -x $(BIN)/python ] || .tools/bin/python -m venv --without-pip .venv
	@$(EXPORT) --only main --extras training --extras pipeline --extras redis --output .venv/serve.txt
	@$(INSTALL_LOCKED) .venv/serve.txt
	@touch $@

.venv/.dev: .venv/.serve
	@echo 'Installing what the tests and checks need in .venv/'
	@$(EXPORT) --with dev --all-extras --output .venv/dev.txt
	@$(INSTALL_LOCKED) .venv/dev.txt
	@touch $@

.venv/.notebooks: .venv/.dev
	@echo 'Installing what the notebooks need in .venv/'
	@$(EXPORT) --all-groups --all-extras --output .venv/notebooks.txt
	@$(INSTALL_LOCKED) .venv/notebooks.txt
	@touch $@

# The project itself, in place: once, and again when what it declares or its C sources change.
.venv/.project: .venv/.serve pyproject.toml build.py $(wildcard src/fraud_detection_api/*/*.[ch])
	@echo 'Installing fraud_detection_api in .venv/'
	@command -v $${CC:-cc} gcc clang >/dev/null || echo 'No C compiler was found: the service will work, slower (sudo apt-get install gcc python3-dev)'
	@.tools/bin/python -m pip -qq --disable-pip-version-check --python $(BIN)/python install --no-deps --editable .
	@touch $@

node_modules/.ready: package-lock.json
	@command -v npm >/dev/null || { echo 'newman needs Node.js: sudo apt-get install nodejs npm' >&2; exit 1; }
	npm ci --no-audit --no-fund
	@touch $@
