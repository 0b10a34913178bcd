# `make run` builds and starts everything on a fresh machine. Needs cargo, a C++ compiler, and python3
# with pip or venv.
.PHONY: run test build install uninstall setup encoders vital demo-index bench bench-reference bench-train baselines lint doc \
	clean-libtorch

export PREFIX ?= $(HOME)/.local
export DESTDIR ?=

run: build            ## build, and open the explorer on the demo (ARGS="…": run another command)
	@cargo run --release --quiet --bin multiexpan -- $(ARGS)

# Tests, clippy and the documentation use the development profile (see docs/CONTRIBUTING.md).
test: PROFILE = debug
test: setup announce  ## run every test
	cargo test

build: PROFILE = release
build: setup announce ## build both programs, in target/release
	cargo build --release --bins

install: build        ## install programs, libtorch, demo, manual and completions under PREFIX (default: ~/.local); DESTDIR for packages
	@bash scripts/install.sh

uninstall:            ## remove the installed files under PREFIX
	@bash scripts/install.sh --uninstall

.PHONY: announce
announce:             ## say how long the first build takes
	@[ -e "$${CARGO_TARGET_DIR:-target}/$(PROFILE)/multiexpan-engine" ] || \
		echo "The first $(PROFILE) build compiles about 300 crates and libtorch's bindings: this takes about 5 minutes on two cores, once." >&2

setup:                ## download libtorch to .libtorch/, once
	@bash scripts/libtorch.sh

encoders: setup       ## download the frozen encoders of the demo to encoders/, once (for training only)
	@bash scripts/encoders.sh

vital:                ## build the text-only benchmark of Wikipedia's vital articles in data/vital (5 MB download, once)
	@bash scripts/vital.sh

demo-index: encoders  ## train the model of the demo again, and index it
	cargo run --release -- train data/demo --out runs/demo-model --preset mini --seed 1
	cargo run --release -- index data/demo --model runs/demo-model --out data/demo/index

bench: setup          ## measure times, lower bounds, memory and growth (docs/PERFORMANCE.md); takes minutes and 2 GB of disk
	cargo bench --profile release --bench speed
	cargo bench --profile release --bench speed -- --table

bench-reference: setup ## compare with the published loop in numpy: equal rankings, and the ratio of the times
	bash scripts/bench_reference.sh

bench-train: setup    ## measure pairs per second in training, and those of a plain PyTorch loop of the same sizes
	bash scripts/bench_train.sh

baselines: encoders   ## compare every baseline with MultiExpan on the queries of the demo; the first time, trains for 45 minutes
	bash scripts/baselines.sh

lint: setup           ## check the formatting and run clippy
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings

doc: setup            ## build the documentation of the code
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps

clean-libtorch:       ## remove the downloaded libtorch
	rm -rf .libtorch
