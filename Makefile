# Verbs only: what can be done here. `make help` lists them. Continuous integration runs the same.

.PHONY: help build warp doctor run bench drivers planted bench-smoke bench-hotpath bench-drive bench-keys \
	bench-erasure bench-list conformance bench-full gate gate-counts gate-selftest report powercut \
	killtest slowtest overload heap model linearize faults mutants test test-packages test-e2e \
	test-bench test-tools lint cross race arenadebug fuzz-smoke ci-long clean
.NOTPARALLEL:
.DEFAULT_GOAL := help

export CGO_ENABLED ?= 0

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

build: ## bin/flashstore and bin/flashbench
	go build -o bin/flashstore ./cmd/flashstore
	go build -o bin/flashbench ./cmd/flashbench

warp: bin/warp ## bin/warp, the pinned load generator
bin/warp: tools/go.mod tools/go.sum
	@tools/warp.sh

doctor: ## what this machine has and lacks
	@tools/doctor.sh

run: build ## a server on loopback, with drives below .data/run
	@tools/doctor.sh --quiet
	@tools/run.sh

bench: ## three comparisons, under 5 minutes after the builds
	@tools/doctor.sh --quiet
	@$(MAKE) --no-print-directory build warp
	bin/flashbench run --only get-4k,put-4k,mixed-256k --pairs 4 --budget 270s \
		--set run.duration=5s --set run.trim_head=500ms --set run.trim_tail=500ms

RESUME ?= --resume

bench-full: ## every scenario, 3 hours, less with BENCHFLAGS="--pairs 4"; goes on where it was interrupted, RESUME= starts anew
	@tools/doctor.sh --quiet
	@$(MAKE) --no-print-directory build warp
	bin/flashbench run $(RESUME) $(BENCHFLAGS)

BASE ?= HEAD~1

gate: build warp ## is this tree slower than BASE=HEAD~1, a revision or a server binary? 0 no, 1 yes, 3 cannot say
	@tools/gate.sh "$(BASE)" $(GATEFLAGS)

gate-counts: build ## what requests cost in exact counts, against BASE: on any machine, in a minute
	@tools/gate.sh "$(BASE)" --timing=false $(GATEFLAGS)

gate-selftest: build ## how often the gate is wrong: rates from results/aa.ndjson into docs/gate.md
	bin/flashbench gate-selftest

report: build ## results/: the index page, and a page of plots of the last session
	bin/flashbench report --html results/last.html
	bin/flashbench report --index results/README.md

bench-smoke: build warp ## one short pair, half a minute: does the whole chain work?
	bin/flashbench run --only get-4k --quick --pairs 1 --budget 1m --record .data/smoke/index.ndjson

bench-hotpath: ## the request path against its targets and nginx, under 4 minutes after the build
	@tools/doctor.sh --quiet
	@$(MAKE) --no-print-directory build
	bin/flashbench hotpath

bench-drive: ## one drive against its targets and fio, below BENCH_DIR, under 2 minutes
	@tools/doctor.sh --quiet
	go test ./engine/drive/local -count=1 -v -run '^TestTargets$$' -local.targets

bench-keys: ## ten million keys on one drive: memory and time to open; 16 GiB of disk
	@tools/doctor.sh --quiet
	go test ./engine/drive/local -count=1 -v -timeout=0 -run '^TestMillionsOfKeys$$' \
		-local.keys=10000000

powercut: ## N=200 power cuts of an ext4 under load: as root, with loop devices
	go test ./e2e -count=1 -v -timeout 0 -run 'TestPowerCut$$' -e2e.powercut $(or $(N),200)

model: ## every history of small sets, up to STATES=10000000 states each: half an hour, 8 GiB
	go test ./engine/erasure/model -count=1 -v -timeout 0 -run 'TestPromise$$' \
		-model.states $(or $(STATES),10000000)

bench-erasure: build ## what a set of four drives does against its targets: wants a quiet machine
	go test ./engine/erasure/codec -run xxx -bench Stripe -cpu 1
	go test ./e2e -count=1 -timeout 30m -run ErasureTargets -e2e.erasure -v

bench-list: build ## LIST of KEYS=1000000 keys against its targets: some minutes, wants a quiet machine
	go test ./e2e -count=1 -timeout 30m -run ListTargets -e2e.list $(or $(KEYS),1000000) -v

linearize: ## N=1000000 operations under kills, power cuts and faults of drives: is each key linearizable?
	go test ./engine/erasure -count=1 -v -timeout 0 -run '^TestLinearizable$$' \
		-erasure.linear $(or $(N),1000000)

killtest: ## N=200 times kill -9 under load
	go test ./e2e -count=1 -v -timeout 0 -run SurvivesKill -e2e.kill $(or $(N),200)

slowtest: ## N=2000 slow connections for a minute beside a good client, on two event loops
	go test ./e2e -count=1 -v -timeout 0 -run 'TestSlowConnections$$' -e2e.slow $(or $(N),2000) \
		-e2e.slowtime 60s

overload: ## half more than the server can do, for half a minute: goodput and refusals
	go test ./e2e -count=1 -v -timeout 0 -run 'TestOverload$$' -e2e.overloadtime 15s \
		-e2e.overloadshare 0.9

heap: ## N=500000 requests of each kind, a tenth of it PUTs: what do they make on the heap?
	go test ./e2e -count=1 -v -timeout 0 -run 'TestHeapObjects$$' -e2e.heaprequests $(or $(N),500000)

# One behind the other, for some of them measure. With make's -k, as in CI, a failure in one does not
# keep the others from being run.
test: test-packages test-e2e test-bench test-tools ## all tests but the conformance suite

test-packages:
	@tools/doctor.sh --quiet
	go test $(GOTESTFLAGS) -count=1 -timeout 20m $$(go list ./... | grep -vE "/(e2e|conformance|bench)$$")

test-e2e:
	go test $(GOTESTFLAGS) -count=1 -timeout 20m -parallel 8 ./e2e

test-bench: # runs servers, beside which others measure badly
	go test $(GOTESTFLAGS) -count=1 -timeout 20m ./bench

test-tools:
	cd tools && go test $(GOTESTFLAGS) -count=1 ./tidy ./mutants

drivers: warp ## do warp and the light generator measure the same? Some minutes of a quiet machine
	go test ./bench -count=1 -v -run 'TestDriversAgree$$' -bench.drivers

planted: ## is a fifth of CPU time, planted into a server, found by the gate? Up to 25 minutes
	go test ./bench -count=1 -v -timeout 30m -run 'TestGateFindsPlantedRegression$$' -bench.planted

conformance: ## S3 as AWS documents it: S3_ENDPOINT, S3_ACCESS_KEY, S3_SECRET_KEY, or our own server
	@test -n "$(S3_ENDPOINT)" || go build -o bin/flashstore ./cmd/flashstore
	go test ./conformance $(GOTESTFLAGS) -count=1 -timeout 10m -parallel 16 -run \
		'$(or $(RUN),$(if $(S3_ENDPOINT),TestConformance,.))'

lint: cross bin/staticcheck ## gofmt, vet, staticcheck and the house rules
	@files=$$(gofmt -l .); test -z "$$files" || { echo "gofmt: $$files"; exit 1; }
	go vet ./...
	bin/staticcheck ./...
	cd tools && go vet ./tidy ./mutants && go run ./tidy -quiet

cross: ## what is to compile for other systems does: netloop on macOS and FreeBSD
	@set -e; for target in darwin/amd64 darwin/arm64 freebsd/amd64 freebsd/arm64; do \
		echo "go build, vet ./netloop/... for $$target"; \
		export GOOS=$${target%/*} GOARCH=$${target#*/} CGO_ENABLED=0; \
		go build ./netloop/...; go vet ./netloop/...; done

bin/staticcheck: tools/lint/go.mod tools/lint/go.sum
	cd tools/lint && go build -trimpath -o ../../bin/staticcheck honnef.co/go/tools/cmd/staticcheck

race: ## all tests with the race detector (needs a C compiler)
	CGO_ENABLED=1 go build -race -o bin/flashstore-race ./cmd/flashstore
	CONFORMANCE_BINARY=$(CURDIR)/bin/flashstore-race CGO_ENABLED=1 \
		go test -count=1 -race -timeout 60m ./...

# RUN picks among the tests of e2e. SHORT=1, as in CI, is -short: a tenth of the flood of malformed
# messages, 96 MiB for TestUploadStreams, both of which `make test` has whole.
arenadebug: ## a server between guard pages and red zones: who breaks the rules of memory?
	go test -tags arenadebug $(GOTESTFLAGS) -count=1 $(if $(SHORT),-short) ./arena/... ./netloop/...
	go test -tags arenadebug $(GOTESTFLAGS) -count=1 ./engine/erasure -run \
		'EverySetOfLost|EverySubsetOfFaultyDrives/[24]_|Readers|Multipart|Overwrite|BadBodies|Bitrot|Healed|Linear'
	go test ./e2e $(GOTESTFLAGS) -count=1 $(if $(SHORT),-short) -parallel 8 -e2e.tags arenadebug \
		-run '$(or $(RUN),Combinations|RoundTrips|SDK|StopInMid|UploadStreams|HTTPS|SurvivesKill)'

fuzz-smoke: ## every fuzz target for five seconds
	tools/fuzz.sh 5

faults: ## every fault on every subset of drives that a set may lose, under load
	go test ./engine/erasure -count=1 -timeout 60m -run EverySubset -erasure.faults

mutants: ## faults planted into the code, one at a time: every one must be caught
	cd tools && go run ./mutants

ci-long: lint race arenadebug fuzz-smoke conformance killtest slowtest overload heap model linearize faults mutants drivers bench bench-hotpath bench-drive bench-keys bench-erasure bench-list gate planted ## what takes too long for every commit

clean: ## removes binaries and data, keeps records
	rm -rf bin .data
