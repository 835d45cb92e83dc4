# The targets of the project; make help lists them.

SHELL         := /bin/bash
.SHELLFLAGS   := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help build test vet lint fmt race fuzz bench compare results generate check-generated tools hooks clean

GO       ?= go
GOBIN    := $(or $(shell $(GO) env GOBIN),$(shell $(GO) env GOPATH)/bin)
# What golangci-lint is taken, in one place.
LINT_VERSION := 2.15.0
LINT     := $(GOBIN)/golangci-lint
FUZZTIME ?= 10s
BENCH    ?= .
COUNT    ?= 1
PYTHON   ?= python3
OUT      ?= runs

# Modules of their own, of generators.
GENERATORS := internal/kernel/_asm inspect/web/build
# Differences of losses are gradients in double precision only.
GRADIENTS  := ./tensor ./nn ./models/... ./inspect
# Tests above the tensors run on the path that KOTOBA_CPU forces; those of
# kernel and tensor run on every path by themselves.
ABOVE      := ./nn ./models/... ./optim ./decode
AVX2       := $(shell grep -qsw avx2 /proc/cpuinfo && grep -qsw fma /proc/cpuinfo && echo avx2)
# Where goroutines meet: packages that the race detector takes as a whole, and
# those of which it takes the tests named for it.
RACE       := ./internal/par ./checkpoint ./hub ./data ./decode ./pretraining ./cmd/...
RACE_NAMED := ./internal/kernel ./tensor ./optim ./tokenizer ./models/... ./train

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; do printf '  make %-16s %s\n' "$$name" "$$what"; done

build: ## make bin/kotoba
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/kotoba ./cmd/kotoba

test: vet ## run the whole suite
	$(GO) test ./...
	$(GO) test -tags float64 $(GRADIENTS)
	@# Results of tests are not cached: what picks a path is read too early to be noted.
	for path in generic $(AVX2); do echo "KOTOBA_CPU=$$path"; KOTOBA_CPU=$$path $(GO) test -count=1 $(ABOVE); done

vet: ## look for mistakes in every build
	$(GO) vet ./...
	$(GO) vet -tags float64 ./...
	$(GO) vet -tags noasm ./...
	for dir in $(GENERATORS); do $(GO) -C $$dir vet .; done

lint: tools ## check style and format
	$(LINT) run ./...
	for dir in $(GENERATORS); do (cd $$dir && $(LINT) run .); done

fmt: tools ## format all Go files
	$(LINT) fmt

race: ## run tests of concurrent code with the race detector
	$(GO) test -race $(RACE)
	$(GO) test -race -run 'Thread|Concurrent' $(RACE_NAMED)

fuzz: ## run every fuzz target for FUZZTIME
	grep -rl --include='*_test.go' '^func Fuzz' . | while read -r file; do \
		for target in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*).*/\1/p' "$$file"); do \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x "$$(dirname "$$file")"; \
		done; \
	done

bench: ## run the Go benchmarks that BENCH names, COUNT times, for benchstat
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) ./...

compare: build ## measure kotoba and its peers in turn; PYTHON needs bench/peers/requirements.txt, sentences a MODEL and a TEXT
	$(PYTHON) bench/peers/compare.py --kotoba bin/kotoba $(if $(MODEL),--model $(MODEL) --text $(TEXT))

results: build ## train and score the models of docs/results.md, from the corpora in DATA to OUT
	DATA=$(DATA) OUT=$(OUT) docs/results/run.sh

generate: ## write generated files anew; the attention page needs npm
	$(GO) generate $$($(GO) list ./... | { command -v npm > /dev/null && cat || grep -v /inspect; })

check-generated: ## fail where a generated file is not what its source makes
	state() { git diff HEAD; git ls-files --others --exclude-standard; }; \
	before=$$(state | sha256sum); \
	$(MAKE) generate; \
	if [ "$$before" != "$$(state | sha256sum)" ]; then \
		git status --short; \
		echo 'make: generated files are not current: run make generate, and commit what it changes' >&2; exit 1; \
	fi

tools: ## install golangci-lint, unless it is there
	$(LINT) --version 2> /dev/null | grep -qF 'version $(LINT_VERSION) ' || \
		$(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(LINT_VERSION)

hooks: ## let git check what is committed
	git config core.hooksPath .githooks

clean: ## remove what build makes
	rm -rf bin
