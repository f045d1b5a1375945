# Two targets are for users: "make run" and "make test". The rest is for developers; "make help" lists all.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

# The program is pure Go, so it is built without cgo and runs on any system of its kind.
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)

# git refuses to tell the state of a clone that somebody else owns, and go build would fail on that.
export GOFLAGS := $(strip $(GOFLAGS) -buildvcs=false)

# Go is often unpacked to /usr/local/go, which shells that are no login shells do not know of. It keeps its caches below
# HOME, without which services may be started.
ifeq ($(shell command -v go),)
export PATH := $(PATH):/usr/local/go/bin
endif
ifndef HOME
export HOME := $(shell echo ~)
endif

# Settings of single runs: make fuzz FUZZTIME=1m, make soak KILLS=2000, make run ARGS="--listen 127.0.0.1:9000".
FUZZTIME ?= 5s
FUZZLONG ?= 10m
KILLS ?= 200
PROVIDED ?= 1000
NODES_SECONDS ?= 300
FAILOVERS ?= 10
ROUNDS ?= 200
HOSTILE ?= 25000
REQUESTS ?= 20000
LISTED ?= 10000050
ATTACK_SECONDS ?= 300
LATER ?= 400
ARGS ?=
PKG ?= ./...

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' Makefile

.PHONY: run
run: build ## build and start with a demo shop and the simulator
	exec bin/sluice serve --demo $(ARGS)

.PHONY: test
test: ## everything: linters, unit tests on both databases, fuzzing, whole programs, pages
	@scripts/test.sh

.PHONY: check
check: test ## the same as test

.PHONY: build
build: ## bin/sluice
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/sluice ./cmd/sluice

.PHONY: unit
unit: ## unit tests on SQLite, and on PostgreSQL where SLUICE_TEST_POSTGRES is set
	go test -shuffle=on $(PKG)

.PHONY: race
race: ## unit tests with the race detector on both databases
	scripts/postgres.sh run go test -race '-gcflags=modernc.org/...=-race=false' -shuffle=on $(PKG)

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME
	scripts/fuzz.sh $(FUZZTIME)

.PHONY: fuzz-long
fuzz-long: ## each fuzz target for FUZZLONG
	scripts/fuzz.sh $(FUZZLONG)

.PHONY: soak
soak: ## the long runs: KILLS kills, two nodes dying for NODES_SECONDS, FAILOVERS lost databases, ROUNDS races, HOSTILE requests, every disk fault, an attack of ATTACK_SECONDS
	SLUICE_TEST_KILLS=$(KILLS) SLUICE_TEST_NODES_SECONDS=$(NODES_SECONDS) SLUICE_TEST_FAILOVERS=$(FAILOVERS) SLUICE_TEST_ROUNDS=$(ROUNDS) \
		SLUICE_TEST_HOSTILE=$(HOSTILE) SLUICE_TEST_DISK_STEP=1 SLUICE_TEST_ATTACK_SECONDS=$(ATTACK_SECONDS) \
		SLUICE_TEST_FLOOD=50000 SLUICE_TEST_DEAD_ENDPOINTS=2200 \
		scripts/postgres.sh run go test -count=1 -timeout 0 -v \
		-run 'KilledAtRandom|NodesShare|FailoversLose|ConcurrentRefunds|CaptureAgainstVoid|CrowdOn|HostileRequests|StorageMayFail|FloodsWrite|SlowBodiesOf|DeadEndpointsOf|IdleConnections|AttackersHour' \
		./e2e ./internal/engine ./internal/store/... ./internal/api

.PHONY: later
later: ## unit tests, and what older programs left, as they are LATER days from now
	scripts/postgres.sh run scripts/later.sh $(LATER) -count=1 -timeout 60m ./cmd/... ./internal/... ./e2e/upgrade

.PHONY: e2e
e2e: ## whole programs on both databases, and the pages in a browser
	scripts/chromium.sh run scripts/jose.sh run scripts/axe.sh run scripts/postgres.sh run go test -count=1 -timeout 30m ./e2e/...

.PHONY: providers
providers: ## two installations, one the provider of the other by each of its APIs: PROVIDED payments, both killed meanwhile
	SLUICE_TEST_PROVIDED=$(PROVIDED) scripts/postgres.sh run go test -count=1 -timeout 0 -v -run 'TwoInstallations' ./e2e

.PHONY: lives
lives: ## every way to pay at every provider, with every fault of every call, on both databases, in a browser; an hour or more
	SLUICE_TEST_PROVIDERS=all scripts/chromium.sh run scripts/postgres.sh run go test -count=1 -timeout 0 -v \
		-run '^TestTheWholeLifeAtEveryProvider$$|EveryFaultOfEveryCall|StripeDeclaredEnds' ./e2e ./internal/connector/...

.PHONY: screenshots
screenshots: ## take the pictures of docs/checkout anew; look at each
	mkdir -p docs/checkout
	SLUICE_TEST_PICTURES=1 scripts/chromium.sh run go test -count=1 -run '^TestPicturesOfThePage$$' ./e2e

.PHONY: clients
clients: ## lint both OpenAPI documents; clients generated from them read every recorded answer
	scripts/jose.sh run scripts/clients.sh

.PHONY: requests
requests: ## REQUESTS random requests built from both OpenAPI documents, on each database
	SLUICE_TEST_REQUESTS=$(REQUESTS) scripts/postgres.sh run go test -count=1 -timeout 0 -v -run 'RequestsByTheDocuments' ./internal/api

.PHONY: live
live: ## CONNECTOR at its provider's own sandbox, with the settings of a test account in SLUICE_LIVE_SETTINGS (declared: by SLUICE_LIVE_FILE); SLUICE_LIVE_RECORD is a folder for what was said
	@test -n "$(CONNECTOR)" || { echo "make live CONNECTOR=stripe" >&2; exit 2; }
	go test -count=1 -v -tags live -run '^TestLive$$' ./internal/connector/$(CONNECTOR)

.PHONY: bench
bench: build ## the benchmark table; results go to bench/results/
	scripts/postgres.sh run go run ./bench

.PHONY: bench-lists
bench-lists: build ## lists of LISTED payments: offsets, windows of changes, paging through; some 30 GB of disk
	scripts/postgres.sh run go run ./bench -only list,offset,window,walk -payments $(LISTED)

.PHONY: golden
golden: ## rewrite generated pages and transcripts; review the difference like code
	scripts/golden.sh

.PHONY: fmt
fmt: ## format all Go files
	gofmt -w $$(scripts/gofiles.sh)

.PHONY: lint
lint: ## gofmt, go vet and the linters of .golangci.yaml
	scripts/lint.sh

.PHONY: vulncheck
vulncheck: ## compare dependencies with the Go vulnerability database (needs the network)
	go run golang.org/x/vuln/cmd/govulncheck@latest ./...

.PHONY: clean
clean: ## remove what was built
	rm -rf bin
