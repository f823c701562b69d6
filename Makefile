# `make help` lists what there is. Everything that is built goes below build/; a variant (asan, tsan) has a directory of its own there.

VERSION := $(shell sed -n 's/.*GUESTLUA_VERSION "\(.*\)"/\1/p' src/guestlua.h)
SOVERSION := 0
PREFIX ?= /usr/local
DESTDIR ?=
bindir ?= $(PREFIX)/bin
libdir ?= $(PREFIX)/lib
includedir ?= $(PREFIX)/include
datadir ?= $(PREFIX)/share
luadir ?= $(PREFIX)/lib/lua/5.4
docdir ?= $(datadir)/doc/guestlua
zshdir ?= $(datadir)/zsh/site-functions
unitdir ?= $(PREFIX)/lib/systemd/system

ifeq ($(origin CC),default)
CC := gcc
endif
PKG_CONFIG ?= pkg-config
OBJCOPY ?= objcopy
NM ?= nm
OBJDUMP ?= objdump
CFLAGS ?= -O2 -g

# Each distribution has its own name for Lua 5.4, and some call one of the other versions plainly "lua". If there is none, pkg-config says so.
LUA_NAMES := lua5.4 lua-5.4 lua54 lua
LUA_PACKAGE := $(firstword $(foreach name,$(LUA_NAMES),$(shell $(PKG_CONFIG) --exists '$(name) >= 5.4 $(name) < 5.5' 2>/dev/null && echo $(name))) lua5.4)
LUA ?= $(firstword $(foreach name,$(LUA_NAMES),$(shell $(name) -e 'print(_VERSION == "Lua 5.4" and "$(name)" or "")' 2>/dev/null)) lua5.4)
# Backups read and write over NBD; without these two packages all else is built.
NBD_PACKAGES := $(shell $(PKG_CONFIG) --exists 'libnbd >= 1.14' nettle 2>/dev/null && echo libnbd nettle)
PACKAGES := $(LUA_PACKAGE) libvirt libvirt-qemu libxml-2.0 libuv $(NBD_PACKAGES)

# What a variant adds: `make VARIANT=asan` builds in build/asan.
VARIANT ?=
BUILD := build$(VARIANT:%=/%)
variant_asan := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -O1
variant_fuzz := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -O1
variant_path := -finstrument-functions -O0
variant_tsan := -fsanitize=thread -fno-omit-frame-pointer -O1

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror
ALL_CFLAGS = -std=gnu11 -fPIC -fvisibility=hidden $(WARNINGS) $(shell $(PKG_CONFIG) --cflags $(PACKAGES)) $(if $(NBD_PACKAGES),-DGL_NBD) $(CPPFLAGS) $(CFLAGS) $(variant_$(VARIANT)) -MMD -MP -Isrc
# The loader looks for each symbol in one library after another: those that most are in come first.
LIBS = $(shell $(PKG_CONFIG) --libs libvirt) -lc $(shell $(PKG_CONFIG) --libs $(PACKAGES)) -lpthread

# libvirt's description of its functions, from which most calls are made: a file a class.
APIS := $(shell $(PKG_CONFIG) --variable=libvirt_api libvirt 2>/dev/null) $(shell $(PKG_CONFIG) --variable=libvirt_qemu_api libvirt-qemu 2>/dev/null)
CALLS := $(patsubst %,$(BUILD)/calls/%.c,host domain snapshot checkpoint network networkport storagepool storagevol nodedevice secret interface \
  nwfilter nwfilterbinding words events)

# The rows of all calls are pointers, which take 24 bytes each until they are packed: the loader of glibc 2.36 can unpack them.
PACKED = $(if $(VARIANT),,$(shell made=$$(mktemp) && echo 'int main(void) { return 0; }' | \
  $(CC) -pie -fPIE -Wl,-z,pack-relative-relocs -x c -o $$made - 2>/dev/null && $$made && echo -Wl,-z,pack-relative-relocs; rm -f $$made))

# For each symbol of each library the loader asks one library after another, in the order in which they are named, and most symbols are in some that
# libvirt brings along, behind all others: half of the loader's work. So those with 100 and more come first. Where the loader finds how many symbols it
# says itself, of a program that is linked with libvirt (LD_DEBUG, glibc's alone; another says nothing, and then nothing is named).
EARLY = $(if $(VARIANT),,$(shell made=$$(mktemp) && echo 'int main(void) { return 0; }' | \
  $(CC) -Wl,--no-as-needed -x c -o $$made - $(shell $(PKG_CONFIG) --libs libvirt) 2>/dev/null && \
  LD_DEBUG=bindings $$made 2>&1 | sed -n 's:.* to \(/[^ ]*\) \[0\].*:\1:p' | LC_ALL=C sort | uniq -c | LC_ALL=C sort -rn | \
  awk '$$1 >= 100 { print $$2 }'; rm -f $$made))

# The executable alone has these, and readline: who embeds the library does not get its licence.
PROGRAM := $(wildcard src/program/*.c)
SOURCES := $(filter-out $(PROGRAM),$(wildcard src/*/*.c src/*/*/*.c))
MODULES := $(shell find lua -name '*.lua' | LC_ALL=C sort)
TEXTS := doc/manual.md doc/cookbook.md
OBJECTS := $(SOURCES:src/%.c=$(BUILD)/%.o) $(CALLS:%.c=%.o) $(BUILD)/modules.o
PROGRAM_OBJECTS := $(PROGRAM:src/%.c=$(BUILD)/%.o)
SPECS ?= spec
FUZZ_SECONDS ?= 600

# One short line a file; `make V=1` shows the commands themselves.
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(Q),@printf '%-5s %s\n' $(1) $(2:$(BUILD)/%=%))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

.PHONY: help all demo picture shell check check-fast asan tsan valgrind fuzz luacheck lint layers format doc bench path bench-check install uninstall \
  dist deb rock collection clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

all: $(BUILD)/guestlua $(BUILD)/libguestlua.so $(BUILD)/libguestlua.a $(BUILD)/lua/guestlua.so ## the interpreter, the library, and the module for require

$(BUILD)/guestlua: $(OBJECTS) $(PROGRAM_OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(PACKED) -o $@ $^ -Wl,--push-state,--no-as-needed $(EARLY) -Wl,--pop-state $(LIBS)

# The prompt loads readline when it opens. A program that is linked with all that it uses proves that the library has that, and knows the library's name,
# by which Debian's tools find its package.
$(BUILD)/readline: src/program/readline.h
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)printf '#include "program/readline.h"\n#define NAME(name) &name,\nvoid *all[] = {GL_READLINE(NAME)};\nint main(void) { return 0; }\n' | \
	  $(CC) -Isrc $(shell $(PKG_CONFIG) --cflags $(LUA_PACKAGE) readline) -x c -o $@ - $(shell $(PKG_CONFIG) --libs readline)
READLINE = $(or $(shell $(OBJDUMP) -p $(BUILD)/readline | sed -n 's/.*NEEDED *\(libreadline[^ ]*\)/\1/p'),$(error libreadline is no shared library here))
$(BUILD)/program/readline.o: $(BUILD)/readline
$(BUILD)/program/readline.o: private ALL_CFLAGS += -DGL_READLINE_FILE='"$(READLINE)"'

# Never unmapped: libvirt's event thread runs in it for as long as the process lives.
SHARED = $(PACKED) -shared -Wl,-z,nodelete -Wl,-z,defs
$(BUILD)/libguestlua.so.$(SOVERSION): $(OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(SHARED) -Wl,-soname,libguestlua.so.$(SOVERSION) -o $@ $^ $(LIBS)
$(BUILD)/libguestlua.so: $(BUILD)/libguestlua.so.$(SOVERSION)
	$(Q)ln -sf $(notdir $<) $@

# One object, so that only the public names are seen outside of it.
$(BUILD)/libguestlua.o: $(OBJECTS)
	$(call say,LD,$@)
	$(Q)$(LD) -r -o $@ $^
	$(Q)$(OBJCOPY) --localize-hidden $@
$(BUILD)/libguestlua.a: $(BUILD)/libguestlua.o
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

# For require in a stock lua5.4, which has Lua's functions itself: a second copy of them would not know the first one's values. They are weak, so that
# a Lua of another version, which lacks some, gets as far as luaopen_guestlua, which refuses it.
$(BUILD)/lua/guestlua.so: $(BUILD)/libguestlua.o
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(NM) -u $< | sed -n 's/.* \(luaL\{0,1\}_[a-zA-Z_]*\)$$/\1/p' > $(@D)/names
	$(Q)$(OBJCOPY) --weaken-symbols=$(@D)/names $< $(@D)/module.o
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(PACKED) -shared -Wl,-z,nodelete -o $@ $(@D)/module.o $(shell $(PKG_CONFIG) --libs $(filter-out $(LUA_PACKAGE),$(PACKAGES))) -lpthread -lm

$(BUILD)/%.o: src/%.c $(BUILD)/flags
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(CALLS) &: src/virt/generate.lua $(wildcard src/virt/generate/*.lua src/virt/calls/*.lua) $(APIS)
	$(call say,LUA,$(BUILD)/calls)
	@mkdir -p $(BUILD)/calls
	$(Q)$(LUA) src/virt/generate.lua $(BUILD)/calls $(APIS)

$(BUILD)/calls/%.o: $(BUILD)/calls/%.c $(BUILD)/flags
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/modules.o: $(BUILD)/modules.c $(BUILD)/flags
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/modules.c: src/module/embed.lua $(MODULES) $(TEXTS) $(BUILD)/module-list
	$(call say,LUA,$@)
	$(Q)$(LUA) src/module/embed.lua $(MODULES) $(TEXTS) > $@

# Rewritten only when what they hold changes: other flags, or a module that came or went, build again what depends on it.
$(BUILD)/flags: force
	@mkdir -p $(BUILD)
	@echo '$(CC) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS)' > $@
$(BUILD)/module-list: force
	@mkdir -p $(BUILD)
	@echo '$(MODULES)' | cmp -s - $@ || echo '$(MODULES)' > $@
.PHONY: force

-include $(OBJECTS:.o=.d) $(PROGRAM_OBJECTS:.o=.d)

# The emulators that libvirt starts in our process are orphans on purpose, and libvirt waits until they are gone: where process 1 is slow to collect
# them (in many containers it is) every start and stop of a guest takes that long. tini collects them at once.
RUN := $(shell command -v tini >/dev/null && echo tini -s --) spec/support/without-kvm

# Where specs and the demo keep the journal of their workflows.
export XDG_STATE_HOME := $(CURDIR)/build/state

# The real guest that the demo, the examples and the specs run on.
build/tiny/disk.qcow2: spec/support/tiny-guest
	spec/support/tiny-guest build/tiny

# Stands between guestlua and libvirt, and lets calls fail: see spec/support/faults.lua. It has no variants.
FAULTS := $(wildcard spec/support/faults*.c)
build/faults.so: $(FAULTS) spec/support/faults.h
	@mkdir -p build
	$(call say,LINK,$@)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -fPIC -shared $(WARNINGS) $(CFLAGS) $(shell $(PKG_CONFIG) --cflags libvirt) -o $@ $(FAULTS) $(shell $(PKG_CONFIG) --libs libvirt)

demo: build/guestlua build/tiny/disk.qcow2 ## snapshot, then commit, on a real guest
	$(RUN) build/guestlua spec/support/demo.lua

# The directories are another one each time that it runs.
picture: build/guestlua build/tiny/disk.qcow2 ## doc/demo.svg, of the demo as it runs
	$(RUN) build/guestlua spec/support/demo.lua 2>build/demo.err | sed 's|/tmp/guestlua[^ ]*/tiny1|/images|g' > build/demo.txt
	build/guestlua doc/picture.lua ./bootstrap\ demo < build/demo.txt > doc/demo.svg

shell: build/guestlua build/tiny/disk.qcow2 ## the prompt, on a small real guest that runs
	@$(RUN) build/guestlua spec/support/shell.lua

# Files of specs that run at once: they wait more than they work.
JOBS ?= $(shell echo $$((2 * $$(nproc))))

check: all build/tiny/disk.qcow2 build/faults.so luacheck layers ## every spec, luacheck, and that src/ has no circle
	$(RUN) build/guestlua spec/support/check.lua $(JOBS) $(SPECS)

# Those that boot no guest and build nothing, without the longest: Ansible takes some seconds for each play.
FAST = $(filter-out spec/project/ansible%_spec.lua $(patsubst %,spec/%_spec.lua,host/fleet_daemons host/fleet_twins module/embed project/fuzz \
  project/install sandbox/process sandbox/sandbox),$(shell grep -rLE 'support[./](tiny|daemon|faults|failing|hosts|ssh_hosts|moving|power|states)|helper\.machine|bootstrap demo' \
  --include='*_spec.lua' spec))

check-fast: all luacheck ## the specs that need no guest, in less than a minute, and luacheck
	$(RUN) build/guestlua spec/support/check.lua $(JOBS) $(FAST)

# intercept_tls_get_addr=0: where a library's thread-local block happens to lie 16 bytes into a page, gcc 12's runtime takes what is before it for a
# header of glibc's, and the search for leaks then reads an address that is none ("Tracer caught signal 11").
asan: build/tiny/disk.qcow2 build/faults.so ## the specs under the address and undefined sanitizers
	$(MAKE) VARIANT=asan all
	ASAN_OPTIONS=detect_leaks=1:intercept_tls_get_addr=0 UBSAN_OPTIONS=print_stacktrace=1 $(RUN) build/asan/guestlua spec/support/check.lua $(JOBS) $(SPECS)

tsan: build/tiny/disk.qcow2 build/faults.so ## the specs under the thread sanitizer
	$(MAKE) VARIANT=tsan all
	TSAN_OPTIONS=suppressions=spec/support/tsan.supp:exitcode=66 $(RUN) build/tsan/guestlua spec/support/check.lua $(JOBS) $(SPECS)

# valgrind must not change the exit code: libvirt forks children that report by theirs, and valgrind counts as lost what their parent's threads hold.
valgrind: build/guestlua build/tiny/disk.qcow2 build/faults.so ## the specs under valgrind
	$(RUN) valgrind --leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite --child-silent-after-fork=yes \
	  --suppressions=spec/support/valgrind.supp --log-file=build/valgrind.log build/guestlua spec/support/busted.lua $(SPECS)
	@grep -q 'ERROR SUMMARY: 0 errors' build/valgrind.log || { cat build/valgrind.log; exit 1; }

# The time is shared. The corpus that grows in build/fuzz is kept for the next run; a finding is build/fuzz/HARNESS-crash-….
HARNESS ?= $(filter-out seeds,$(patsubst spec/fuzz/%.c,%,$(wildcard spec/fuzz/*.c)))
fuzz: ## FUZZ_SECONDS of random input, for all harnesses or HARNESS=journal
	$(MAKE) VARIANT=fuzz CC=clang $(HARNESS:%=build/fuzz/fuzz_%)
	@for harness in $(HARNESS); do \
	  mkdir -p build/fuzz/corpus_$$harness && \
	  build/fuzz/fuzz_$$harness -max_total_time=$$(($(FUZZ_SECONDS) / $(words $(HARNESS)))) -timeout=60 -max_len=4096 -rss_limit_mb=2048 -verbosity=0 \
	    -print_final_stats=1 -dict=spec/fuzz/words.dict -artifact_prefix=build/fuzz/$$harness- build/fuzz/corpus_$$harness spec/fuzz/corpus || exit 1; \
	done

# Without libFuzzer it is a program that runs the inputs that are named.
$(BUILD)/fuzz_%: spec/fuzz/%.c spec/fuzz/harness.h $(OBJECTS) $(if $(filter fuzz,$(VARIANT)),,spec/fuzz/seeds.c)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer) $(LDFLAGS) -o $@ $(filter-out %.h,$^) $(LIBS)

C_FILES := $(wildcard src/*.h src/*/*.[ch] src/*/*/*.[ch] spec/fuzz/*.[ch] spec/support/*.[ch] spec/embed/*.[ch] examples/embed/*.c bench/*.c)

luacheck: ## what luacheck says of the Lua code
	luacheck -q lua spec examples bench doc src

# The style is that of one version of clang-format, Debian 12's, and others see it otherwise: no part of `make check`.
lint: luacheck layers ## luacheck, layers, and the style of the C code
	@echo 'clang-format --dry-run -Werror' src spec examples bench
	@clang-format --dry-run -Werror $(C_FILES)

layers: $(OBJECTS) $(PROGRAM_OBJECTS) ## that src/ has one direction and no circle
	$(Q)$(LUA) src/layers.lua $(BUILD)

format: ## brings the C code into its style
	clang-format -i $(C_FILES)

doc: build/guestlua ## the manual in build/doc/html, and all that is made of the texts in the source
	build/guestlua doc/make.lua .
	build/guestlua doc/html.lua build/doc/html

bench: all build/tiny/disk.qcow2 ## what is measured, in one table
	bench/run

# The compiler calls path.so at the start of each function.
path: build/tiny/disk.qcow2 ## how many functions a call goes through in C; WAY=1: which
	$(MAKE) VARIANT=path build/path/guestlua
	$(CC) -std=gnu11 -O2 -fPIC -shared $(WARNINGS) -o build/path/path.so bench/path.c $(shell $(PKG_CONFIG) --cflags $(LUA_PACKAGE))
	LD_PRELOAD=build/path/path.so $(RUN) build/path/guestlua bench/path.lua $(WAY)

bench-check: all ## what things cost in instructions, and that it is not more than it was
	build/guestlua bench/count.lua

COLLECTION := $(shell find packaging/ansible/guestlua -type f ! -name '*.pyc' ! -name LICENSE ! -path '*/tests/*' | LC_ALL=C sort)
collectiondir ?= $(datadir)/ansible/collections/ansible_collections

# All that is installed: where from, where to, the mode. Both targets go by this list, so that one takes away what the other brought.
INSTALLED := \
  build/guestlua:$(bindir)/guestlua:755 \
  build/libguestlua.so.$(SOVERSION):$(libdir)/libguestlua.so.$(VERSION):644 \
  build/libguestlua.a:$(libdir)/libguestlua.a:644 \
  build/guestlua.pc:$(libdir)/pkgconfig/guestlua.pc:644 \
  build/lua/guestlua.so:$(luadir)/guestlua.so:644 \
  src/guestlua.h:$(includedir)/guestlua.h:644 \
  doc/guestlua.1:$(datadir)/man/man1/guestlua.1:644 \
  packaging/completions/guestlua.bash:$(datadir)/bash-completion/completions/guestlua:644 \
  packaging/completions/_guestlua:$(zshdir)/_guestlua:644 \
  packaging/types/guestlua.lua:$(datadir)/guestlua/types/guestlua.lua:644 \
  $(foreach unit,$(wildcard packaging/systemd/*),$(unit):$(unitdir)/$(notdir $(unit)):644) \
  $(foreach page,$(wildcard doc/*.md doc/*.svg doc/reference/*.md),$(page):$(docdir)/$(page:doc/%=%):644) \
  $(foreach page,$(wildcard build/doc/html/*.* build/doc/html/reference/*),$(page):$(docdir)/$(page:build/doc/%=%):644) \
  $(foreach file,$(COLLECTION),$(file):$(collectiondir)/$(file:packaging/ansible/%=%):644) \
  $(foreach example,$(wildcard examples/*.* examples/embed/*),$(example):$(docdir)/$(example):644)
LINKED := $(libdir)/libguestlua.so.$(SOVERSION) $(libdir)/libguestlua.so

build/guestlua.pc: packaging/guestlua.pc.in force
	@sed 's|@PREFIX@|$(PREFIX)|; s|@libdir@|$(libdir)|; s|@includedir@|$(includedir)|; s|@VERSION@|$(VERSION)|; s|@LUA@|$(LUA_PACKAGE)|; s|@NBD@|$(NBD_PACKAGES:%= -l%)|; s|-llibnbd|-lnbd|' $< > $@

install: all build/guestlua.pc ## into PREFIX, below DESTDIR; the HTML too, if `make doc` was run
	@set -e; for row in $(INSTALLED); do \
	  to=$${row#*:}; \
	  install -D -m "$${to#*:}" "$${row%%:*}" "$(DESTDIR)$${to%:*}"; \
	done
	@for link in $(LINKED); do ln -sf libguestlua.so.$(VERSION) "$(DESTDIR)$$link"; done

# Directories go with the last file in them, up to those that were not ours.
uninstall: ## what install put there
	@for row in $(INSTALLED) $(LINKED:%=:%:); do \
	  to=$${row#*:}; \
	  rm -f "$(DESTDIR)$${to%:*}"; \
	done
	@for directory in $(docdir)/html/reference $(docdir)/html $(docdir)/reference $(docdir)/examples/embed $(docdir)/examples $(docdir) \
	  $(datadir)/guestlua/types $(datadir)/guestlua \
	  $(addprefix $(collectiondir)/guestlua/,$(addprefix guestlua/,plugins/inventory plugins/module_utils plugins/modules plugins playbooks meta) guestlua) \
	  $(collectiondir)/guestlua $(collectiondir) $(datadir)/ansible/collections $(datadir)/ansible; do \
	  rmdir "$(DESTDIR)$$directory" 2>/dev/null || :; \
	done

# The same files give the same bytes, whoever packs them when: sorted, of nobody, with the time of the last commit or of the changelog.
DIST := guestlua-$(VERSION)
dist: ## the source as build/guestlua-VERSION.tar.gz, the same bytes each time
	@mkdir -p build
	@{ git ls-files -z 2>/dev/null || find . -path ./build -prune -o -path ./.git -prune -o -type f -print0; } | LC_ALL=C sort -z | \
	  tar --null --no-recursion -T - -c --format=ustar --owner=0 --group=0 --numeric-owner --mode='u=rwX,go=rX' \
	    --mtime="@$$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)" --transform='s|^\(\./\)*|$(DIST)/|' | gzip -9n > build/$(DIST).tar.gz
	@sha256sum build/$(DIST).tar.gz

deb: ## Debian packages, in build/deb
	packaging/debian/build build/deb

# In a copy: luarocks leaves what it builds in the tree. ROCK_FLAGS: as in --local, or --tree build/rocks GUESTLUA_DIR=$PREFIX
rock: ## the rock, against the library that is installed
	rm -rf build/rock
	cp -r packaging/rock build
	cd build/rock && luarocks --lua-version 5.4 make $(ROCK_FLAGS)

collection: ## the Ansible collection, as build/guestlua-guestlua-VERSION.tar.gz
	@mkdir -p build
	ansible-galaxy collection build --force --output-path build packaging/ansible/guestlua/guestlua

clean: ## everything that was built
	rm -rf build
