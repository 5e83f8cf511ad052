# make check   format, build, every test that needs no root        make lab    the main job, live
# make test    check and everything that needs root                make bench  side by side with the original
# make dist    native programs in dist/                            make soak   long runs, no time limit
# make install DESTDIR= PREFIX=/usr                                make pack   NuGet packages and the net10.0 programs
SHELL := /bin/bash
PREFIX ?= /usr
DESTDIR ?=
CONFIGURATION := Release
AOT_FRAMEWORK ?= net9.0
PROGRAMS := conntrackd conntrack nfct twintrack
SOLUTION := twintrack.slnx
DOTNET := dotnet
export DOTNET_CLI_TELEMETRY_OPTOUT := 1
export DOTNET_NOLOGO := 1
export MSBUILDTERMINALLOGGER := off

BUILD_NEEDS := gcc=gcc zlib1g-dev=/usr/include/zlib.h
RUN_NEEDS := iproute2=ip nftables=nft
PEER_NEEDS := conntrackd=conntrackd conntrack=conntrack nfct=nfct keepalived=keepalived iptables=iptables python3-minimal=/usr/bin/python3 systemd=systemd-analyze tmux=tmux
BENCH_NEEDS := nginx-light=nginx wrk=wrk

.PHONY: check test root-check build format dist install lab bench soak pack flame clean needs-sdk

needs-sdk:
	@command -v $(DOTNET) >/dev/null || { echo "missing: the .NET 10 SDK (dotnet)" >&2; exit 1; }

build: needs-sdk
	$(DOTNET) build $(SOLUTION) -c $(CONFIGURATION) -v quiet

format: needs-sdk
	$(DOTNET) format whitespace $(SOLUTION) --verify-no-changes --no-restore

check: build format
	scripts/test.sh check

root-check:
	@[ "$$(id -u)" = 0 ] || { echo "make test needs root: it builds network namespaces" >&2; exit 1; }

test: root-check needs-sdk
	scripts/need.sh $(BUILD_NEEDS) $(RUN_NEEDS) $(PEER_NEEDS)
	$(MAKE) --no-print-directory build format dist
	scripts/test.sh all

dist: needs-sdk
	scripts/need.sh $(BUILD_NEEDS)
	mkdir -p dist
	for program in $(PROGRAMS); do \
		$(DOTNET) publish programs/$$program -c $(CONFIGURATION) -f $(AOT_FRAMEWORK) -v quiet || exit 1; \
		install -m 755 artifacts/publish/*/release_$(AOT_FRAMEWORK)_linux-x64/$$program dist/$$program || exit 1; \
	done

install:
	install -D -m 755 dist/conntrackd $(DESTDIR)$(PREFIX)/sbin/conntrackd
	install -D -m 755 dist/conntrack $(DESTDIR)$(PREFIX)/sbin/conntrack
	install -D -m 755 dist/nfct $(DESTDIR)$(PREFIX)/sbin/nfct
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man8 docs/man/conntrack.8 docs/man/nfct.8
	install -D -m 644 docs/completion/conntrack.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/conntrack
	ln -sf conntrack $(DESTDIR)$(PREFIX)/share/bash-completion/completions/nfct
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions docs/completion/_conntrack
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d docs/completion/conntrack.fish
	install -D -m 755 dist/twintrack $(DESTDIR)$(PREFIX)/bin/twintrack
	install -D -m 644 docs/man/conntrackd.8 $(DESTDIR)$(PREFIX)/share/man/man8/conntrackd.8
	install -D -m 644 docs/man/twintrack.8 $(DESTDIR)$(PREFIX)/share/man/man8/twintrack.8
	install -D -m 644 docs/man/conntrackd.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/conntrackd.conf.5
	install -D -m 644 docs/examples/conntrackd.service $(DESTDIR)$(PREFIX)/lib/systemd/system/conntrackd.service
	install -d $(DESTDIR)$(PREFIX)/share/doc/twintrack
	cp -r --no-preserve=ownership docs/examples $(DESTDIR)$(PREFIX)/share/doc/twintrack/
	install -m 644 docs/troubleshooting.md docs/events.md docs/announcing.md docs/asymmetric.md docs/helpers.md docs/deviations.md README.md CHANGELOG.md $(DESTDIR)$(PREFIX)/share/doc/twintrack/

lab: root-check dist
	scripts/need.sh $(RUN_NEEDS)
	dist/twintrack lab $(ARGS)

bench: root-check dist
	scripts/need.sh $(RUN_NEEDS) $(PEER_NEEDS) $(BENCH_NEEDS)
	$(DOTNET) run -c $(CONFIGURATION) --project bench/Macro -- $(ARGS)

soak: root-check build dist
	scripts/need.sh $(RUN_NEEDS) $(PEER_NEEDS)
	scripts/soak.sh

pack: needs-sdk
	$(DOTNET) pack src/Netlink -c $(CONFIGURATION) -v quiet
	$(DOTNET) pack src/Conntrack -c $(CONFIGURATION) -v quiet
	for program in $(PROGRAMS); do \
		$(DOTNET) publish programs/$$program -c $(CONFIGURATION) -f net10.0 -v quiet || exit 1; \
	done

# A flame graph's raw material of a running program: make flame PID=123 SECONDS=10
flame:
	scripts/need.sh linux-perf=perf
	perf record -e cpu-clock -F 997 -g -p $(PID) -o artifacts/perf.data -- sleep $(or $(SECONDS),10)
	perf report -i artifacts/perf.data --stdio --no-children | head -n 60

clean:
	rm -rf artifacts dist
