# Everything runs in .venv, which is made from the lock files; nothing has to be activated.
# PYTHON=/path/to/python3.12 picks the interpreter that makes it.

VENV ?= .venv
BIN := $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --no-input --quiet
COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--only-binary :all: --fork-strategy fewest --custom-compile-command "make lock"
DEMO := build/demo

# PACKAGE[:COMMAND] on Debian: what the tests and the benchmarks use when it is there.
TEST_PACKAGES := tshark nftables:nft iproute2:ip iptables:iptables-restore prometheus tcpdump openssl \
	prometheus-alertmanager:amtool mosquitto mosquitto-clients:mosquitto_pub snmpd snmp:snmpget \
	vsftpd nginx-light:nginx apache2-bin:apache2 apache2-utils:htpasswd curl inetutils-telnetd:telnetd \
	inetutils-telnet:telnet \
	tigervnc-standalone-server:Xtigervnc postgresql:psql samba:smbd smbclient redis-server redis-tools:redis-cli \
	mariadb-server-core:mariadbd mariadb-client-core:mariadb freeradius freeradius-utils:radclient \
	tgt:tgtd libiscsi-bin:iscsi-inq wpasupplicant:wpa_supplicant hostapd eapoltest:eapol_test \
	dovecot-imapd:dovecot dovecot-pop3d:/usr/lib/dovecot/pop3 dovecot-submissiond:/usr/lib/dovecot/submission \
	winbind:ntlm_auth iodine:iodined dns2tcp:dns2tcpd
BENCH_PACKAGES := tshark libndpi-bin:ndpiReader
LIVE_PACKAGES := iproute2:ip tcpdump wireshark-common:dumpcap

MINUTES ?= 30
KILLS ?= 50
IMAGE ?= build/image
BOOT ?= build/boot

# The tests start the program a thousand times: what Python compiled is kept.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test check kernels fuzz bench bench-live soak kills image boot lab-score lab-seeds goldens docs dashboards vendors lock clean
.DEFAULT_GOAL := help

help:
	@echo "make demo       replay a factory day against its zone model"
	@echo "make test       all checks and tests"
	@echo "make check      ruff, mypy and the import contracts only"
	@echo "make fuzz       long property tests of the kernels, interpreted"
	@echo "make bench      measure the speed beside other tools; writes docs/benchmarks.md"
	@echo "make bench-live measure the live sensor; needs root; writes its part of that page"
	@echo "make soak       listen under load with addresses that change, MINUTES=30; needs root"
	@echo "make kills      kill the sensor under load, KILLS=50 times; needs root"
	@echo "make image      carry out the Dockerfile in a Debian of debootstrap and try it; needs root"
	@echo "make boot       install in a Debian that boots, as the guide says, and try it; needs root"
	@echo "make lab-score  score otmon in every scenario of the training range; writes docs/lab-score.md"
	@echo "make lab-seeds  the same with five other seeds, for a quarter of an hour; writes docs/lab-seeds.md"
	@echo "make goldens    write the expected outputs anew: review them as a diff"
	@echo "make docs       write the generated pages and the picture anew"
	@echo "make dashboards write Grafana's dashboards anew, and check them where npm is"
	@echo "make vendors    fetch the vendors of MAC addresses anew (needs npm and the network)"
	@echo "make lock       resolve the dependencies anew"
	@echo "make clean      remove .venv and everything that is made"

demo: $(VENV)/.runtime
	@mkdir -p $(DEMO)
	@$(BIN)/python -m tests.demo $(DEMO)

# The kernels are compiled once, while mypy has the other processor, and not by each worker of pytest.
test: $(VENV)/.dev
	@.ci/system-packages $(TEST_PACKAGES) || echo "tests that need it are skipped, and say so" >&2
	@$(MAKE) --no-print-directory --jobs 2 check kernels
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

kernels: $(VENV)/.dev
	@$(BIN)/otmon sensor compile

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fuzz: $(VENV)/.dev
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -o faulthandler_timeout=7200 tests/fuzz --hypothesis-profile=fuzz

bench: $(VENV)/.dev
	@.ci/system-packages $(BENCH_PACKAGES) || echo "what is missing is left out of the table" >&2
	@$(BIN)/otmon sensor compile
	$(BIN)/python -m tests.bench

bench-live: $(VENV)/.dev
	@.ci/system-packages $(LIVE_PACKAGES) || echo "what is missing is left out of the table" >&2
	$(BIN)/python -m tests.bench.live

soak: $(VENV)/.dev
	$(BIN)/python -m tests.sensor.soak --minutes $(MINUTES)

kills: $(VENV)/.dev
	OTMON_KILLS=$(KILLS) $(BIN)/python -m pytest -o faulthandler_timeout=3600 tests/sensor/test_service.py -k killed

# CHECK=--check writes nothing, and fails where the page says something else.
# Elsewhere: make image IMAGE=/a/folder; SHARES=/a/folder:/another where pip takes wheels from this machine.
image: $(VENV)/.dev
	@.ci/system-packages debootstrap iproute2:ip
	OTMON_IMAGE=$(IMAGE) OTMON_IMAGE_SHARES=$(SHARES) $(BIN)/python -m pytest -o faulthandler_timeout=3600 tests/deploy/test_image.py

boot: $(VENV)/.dev
	@.ci/system-packages debootstrap systemd-container:systemd-nspawn util-linux:nsenter
	OTMON_BOOT=$(BOOT) $(BIN)/python -m pytest -o faulthandler_timeout=3600 tests/deploy/test_boot.py

lab-score: $(VENV)/.dev
	$(BIN)/python -m tests.lab_score $(CHECK)

lab-seeds: $(VENV)/.dev
	$(BIN)/python -m tests.lab_seeds

goldens: $(VENV)/.dev
	$(BIN)/python -m pytest tests/golden tests/findings tests/ledger tests/outputs tests/zones tests/detect/rules --regenerate

docs: $(VENV)/.dev
	$(BIN)/python -m tests.docs

dashboards: $(VENV)/.dev
	$(BIN)/python -m dashboards.source
	@if command -v npm >/dev/null; then cd dashboards/schema && npm ci --ignore-scripts --silent && node check.mjs; \
	else echo "npm is not installed: not checked against Grafana's schema" >&2; fi

vendors: $(VENV)/.dev
	@mkdir -p build/vendors
	cd build/vendors && rm -f oui-data-*.tgz && npm pack --silent oui-data
	$(BIN)/python -m tests.vendors build/vendors/oui-data-*.tgz

lock: $(VENV)/.dev
	$(COMPILE) $(UPGRADE) --group build pyproject.toml --output-file requirements.lock
	$(COMPILE) $(UPGRADE) --extra lab --group dev --group bench --constraint requirements.lock \
		pyproject.toml --output-file requirements-dev.lock

clean:
	rm -rf $(VENV) build otmon.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find otmon tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Wheels only: no compiler is needed, and none is ever run by an installation.
$(VENV)/.runtime: requirements.lock pyproject.toml .ci/venv
	@.ci/venv $(VENV)
	@echo "installing what requirements.lock lists"
	@$(INSTALL) --only-binary :all: --require-hashes --requirement requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@echo "installing what requirements-dev.lock lists"
	@$(INSTALL) --only-binary :all: --require-hashes --requirement requirements-dev.lock
	@touch $@
