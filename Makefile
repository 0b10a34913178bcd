# One command on a fresh machine: `make run`. Needs cargo, a C++ compiler, python3 with pip or venv.
.PHONY: run test build install uninstall setup encoders demo-index bench bench-reference bench-train baselines lint doc \
	clean-libtorch

export PREFIX ?= $(HOME)/.local
export DESTDIR ?=

run: build            ## open the explorer on the demo (ARGS="…": any other command)
	@cargo run --release --quiet --bin multiexpan -- $(ARGS)

test: setup announce  ## every test
	cargo test --release

build: setup announce ## both programs, in target/release
	cargo build --release --bins

install: build        ## programs, libtorch, demo, manual and completions under PREFIX (default ~/.local); DESTDIR for packagers
	@bash scripts/install.sh

uninstall:            ## remove what install has put under PREFIX
	@bash scripts/install.sh --uninstall

.PHONY: announce
announce:             ## what the first build takes, before it starts
	@[ -e "$${CARGO_TARGET_DIR:-target}/release/multiexpan-engine" ] || \
		echo "The first build compiles about 300 crates and libtorch's bindings: about 5 minutes on two cores, once." >&2

setup:                ## libtorch, once, under .libtorch/
	@bash scripts/libtorch.sh

encoders: setup       ## the demo's frozen encoders, once, under encoders/ (for training only)
	@bash scripts/encoders.sh

demo-index: encoders  ## train the demo's model anew and index it
	cargo run --release -- train data/demo --out runs/demo-model --preset mini --seed 1
	cargo run --release -- index data/demo --model runs/demo-model --out data/demo/index

bench: setup          ## times, then each beside its bound, memory and growth (docs/PERFORMANCE.md); 2 GB of disk, minutes
	cargo bench --profile release --bench speed
	cargo bench --profile release --bench speed -- --table

bench-reference: setup ## the published loop in numpy beside ours: equal lists, and how many times faster
	bash scripts/bench_reference.sh

bench-train: setup    ## pairs per second in training, beside a plain PyTorch loop of the same sizes
	bash scripts/bench_train.sh

baselines: encoders   ## every baseline and MultiExpan over the demo's queries, in one table; trains for three quarters of an hour, once
	bash scripts/baselines.sh

lint: setup
	cargo fmt --check
	cargo clippy --release --all-targets -- -D warnings

# release, as everywhere: another profile would compile torch-sys again
doc: setup
	RUSTDOCFLAGS="-D warnings" cargo doc --release --no-deps

clean-libtorch:
	rm -rf .libtorch
