# Penjire. `make help` lists what there is.
GO          ?= go
BIN         ?= bin
ADDR        ?= 127.0.0.1:8080
DIR         ?= .run
PACKS       ?=
FRESH       ?=
BOARD       ?= vm
IMAGES      ?= bin/image
FUZZTIME    ?= 20s
BENCHTIME   ?= 1s

# The one program that needs C: a module of its own, for vendors' PKCS #11 libraries.
HELPER       = firmware/signing/pkcs11helper
# What the product is only compared with: a module of its own, so that it depends on none of it.
COMPARISON   = firmware/bench/comparison
CC          ?= cc

STATICCHECK  = $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOFUMPT      = $(GO) run mvdan.cc/gofumpt@v0.12.0
ERRCHECK     = $(GO) run github.com/kisielk/errcheck@v1.30.0 -exclude firmware/archtest/errcheck.txt

export CGO_ENABLED = 0

.PHONY: help run test check bench clean build fmt lint cross peers fuzz nightly pictures image image-lock image-twice need-go
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

need-go:
	@command -v $(GO) >/dev/null 2>&1 || { \
	  echo "Penjire is built with Go 1.26 and there is no '$(GO)' here. On Debian 13 this one command brings it"; \
	  echo "(the first build then fetches Go 1.26 by itself):"; \
	  echo; echo "    apt-get install -y golang-go"; echo; exit 1; }

build: need-go ## every command, into bin/
	@mkdir -p $(BIN)
	$(GO) build -trimpath -ldflags='-s -w' -o $(BIN)/ ./firmware/cmd/... ./sync/cmd/...
	@if command -v $(CC) >/dev/null 2>&1; then \
	  cd $(HELPER) && CGO_ENABLED=1 $(GO) build -trimpath -ldflags='-s -w' -o $(abspath $(BIN))/penjire-pkcs11 .; \
	else echo "build: penjire-pkcs11 is left out: there is no C compiler ($(CC)). Only kiosks with PKCS #11 tokens need it."; fi

run: build ## the whole product on this machine; ADDR=127.0.0.1:8080 DIR=.run PACKS=folder; FRESH=1: with a new kiosk that has to be enrolled
	@exec $(BIN)/bench -addr $(ADDR) -dir $(DIR) $(if $(PACKS),-packs $(PACKS)) $(if $(FRESH),-fresh)

image: need-go ## the image and the update bundle of a board: BOARD=vm IMAGES=bin/image (mmdebstrap, squashfs-tools, mtools, e2fsprogs, rauc; a Pi: device-tree-compiler)
	@$(GO) run ./boards/cmd/mkimage -board $(BOARD) -out $(IMAGES) $(IMAGEFLAGS)

image-twice: image ## build again, the packages installed anew, and compare: what differs is listed
	@$(GO) run ./boards/cmd/mkimage -board $(BOARD) -out $(IMAGES)/again -fresh $(IMAGEFLAGS)
	@$(GO) run ./boards/cmd/mkimage -board $(BOARD) -out $(IMAGES)/again -compare $(IMAGES) $(IMAGEFLAGS)

image-lock: need-go ## ask apt what the packages of BOARD's image are today, and write the lists that pin them
	@$(GO) run ./boards/cmd/mkimage -board $(BOARD) -lock boards/image/recipe/packages $(IMAGEFLAGS)

peers: ## the independent programs that tests compare us with (installs them as root on Debian)
	@.ci/peers

test: need-go ## install the peers where possible, then every test
	@. .ci/peers && $(GO) test -timeout 30m ./...

check: fmt lint cross ## what every change must pass, besides the tests; offline once the caches are filled
	$(GO) test ./firmware/archtest/

fmt: need-go ## fail on an unformatted file or an untidy go.mod
	@out=$$($(GOFUMPT) -l .) && test -z "$$out" || { echo "gofumpt: $$out"; exit 1; }
	$(GO) mod tidy -diff
	cd $(HELPER) && $(GO) mod tidy -diff

lint: need-go ## vet, staticcheck, errcheck, and go fix with nothing left to fix
	$(GO) vet ./...
	$(STATICCHECK) -checks all ./...
	$(ERRCHECK) ./drivers/... ./sync/...
	$(GO) fix -diff ./...
	@cd $(COMPARISON); if $(GO) mod download >/dev/null 2>&1; then \
	  set -ex; $(GO) mod tidy -diff; $(GO) vet ./...; $(STATICCHECK) -checks all ./...; $(GO) fix -diff ./...; \
	else echo "lint: $(COMPARISON) is left out: its modules cannot be had here"; fi
	@if command -v $(CC) >/dev/null 2>&1; then \
	  set -ex; cd $(HELPER); export CGO_ENABLED=1; $(GO) vet ./...; $(STATICCHECK) -checks all ./...; $(GO) fix -diff ./...; \
	else echo "lint: $(HELPER) is left out: there is no C compiler ($(CC))"; fi

cross: need-go ## compile for every board's processor
	@set -e; for a in amd64 arm64 arm; do echo linux/$$a; GOARM=7 GOOS=linux GOARCH=$$a $(GO) build ./...; done

bench: need-go ## benchmarks beside their budgets and the floors measured in the same run (DESIGN 14); five minutes
	@{ $(GO) test -run '^$$' -bench . -benchtime $(BENCHTIME) -timeout 30m \
	  $$(grep -rl --include='*_test.go' '^func Benchmark' boards drivers firmware sync ui | xargs -n1 dirname | sort -u | sed 's|^|./|' | grep -v '$(COMPARISON)'); \
	  cd $(COMPARISON) && if $(GO) mod download >/dev/null 2>&1; then $(GO) test -run '^$$' -bench . -benchtime 5x ./...; \
	  else echo "LEFT OUT: comparison with SQLite and JetStream: their modules cannot be had here"; fi; } 2>&1 | .ci/numbers

fuzz: need-go ## every fuzz target there is, for FUZZTIME each
	@set -e; n=0; for p in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p | sed -n '/^Fuzz/p'); do n=$$((n+1)); echo "$$p $$f"; \
	    $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x $$p; done; done; \
	  echo "$$n targets"; test $$n = $$(grep -rh --include='*_test.go' '^func Fuzz' . | wc -l)

nightly: ## the slow campaigns: many simulated days and mutants, long fuzzing, kills, power cuts, the image in a virtual machine, pulled USB cables and chips, a narrow link, more than 100,000 crash states, the race detector
	PENJIRE_SEEDS=200000 PENJIRE_MUTANTS=all $(GO) test -count=1 -timeout 12h -v -run 'TestSeeds|TestMutants' ./sync/simulation/
	$(MAKE) fuzz FUZZTIME=10m
	PENJIRE_KILLS=200 $(GO) test -count=1 -timeout 4h -v -run 'TestKilled|Kills' ./sync/outbox ./firmware/e2e
	PENJIRE_UPDATE=every $(GO) test -count=1 -timeout 2h -v -run TestEveryStepCut ./firmware/update
	PENJIRE_POWER_CUTS=60 $(GO) test -count=1 -timeout 4h -v ./firmware/e2e/powercut
	for b in vm pc rpi3 rpi4 rpizero2w rpi5; do $(MAKE) image BOARD=$$b || exit 1; done
	PENJIRE_APPLIANCE=1 $(GO) test -count=1 -timeout 20h -v ./firmware/e2e/virtual ./firmware/e2e/appliance
	PENJIRE_ARM=1 $(GO) test -count=1 -timeout 1h -v -run TestARM ./firmware/e2e
	PENJIRE_CABLES=1 PENJIRE_CABINET=1 $(GO) test -count=1 -timeout 1h -v ./firmware/e2e/cables ./firmware/e2e/cabinet
	for b in vm rpi3; do $(MAKE) image-twice BOARD=$$b || exit 1; done
	PENJIRE_BUNDLES=$(abspath $(IMAGES))/vm.raucb:$(abspath $(IMAGES))/again/vm.raucb $(GO) test -count=1 -timeout 1h -v -run TestRealBundles ./firmware/update
	PENJIRE_QUEUED=10000 $(GO) test -count=1 -timeout 3h -run '^$$' -bench Narrow -benchtime 1x ./firmware/e2e
	PENJIRE_CRASH_STATES=60000 $(GO) test -count=1 -timeout 6h -v -run 'CrashStates|Mutants' ./sync/outbox ./sync/ledger/sqlite 2>&1 | .ci/crashes
	CGO_ENABLED=1 PENJIRE_SEEDS=100 $(GO) test -race -timeout 60m ./...

pictures: build ## draw the README's pictures anew (needs Chromium)
	PENJIRE_PICTURES=$(abspath firmware/docs/pictures) $(GO) test -count=1 -run TestPictures ./firmware/e2e/

clean: ## what building and running left behind
	rm -rf $(BIN) .run
