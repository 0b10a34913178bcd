#!/usr/bin/env bash
# Installs both programs, libtorch, the demo, the manual pages and the shell completions under PREFIX.
# multiexpan then works in any folder, even if the source folder is removed. With --uninstall, removes
# them.
#
#   PREFIX=~/.local   the folder of the installation
#   DESTDIR=          a prefix of PREFIX while files are copied (for packages)
set -euo pipefail
cd "$(dirname "$0")/.."

prefix=${PREFIX:-$HOME/.local}
prefix=${prefix/#\~/$HOME}
case $prefix in
  /*) ;;
  *) prefix=$PWD/$prefix ;;
esac
root=${DESTDIR:-}$prefix
built=${CARGO_TARGET_DIR:-target}/release
say() { echo "install: $*"; }
die() { echo "install: $*" >&2; exit 1; }

bash_completion=$root/share/bash-completion/completions/multiexpan
zsh_completion=$root/share/zsh/site-functions/_multiexpan
fish_completion=$root/share/fish/vendor_completions.d/multiexpan.fish
manual=$root/share/man/man1

remove() {
  rm -f "$root"/bin/multiexpan "$root"/bin/multiexpan-engine "$manual"/multiexpan.1 "$manual"/multiexpan-*.1
  rm -f "$bash_completion" "$zsh_completion" "$fish_completion"
  rm -rf "$root/lib/multiexpan" "$root/share/multiexpan"
}

if [ "${1:-}" = --uninstall ]; then
  remove
  say "removed from $root"
  exit 0
fi

for program in multiexpan multiexpan-engine; do
  [ -x "$built/$program" ] || die "$built/$program is missing; run \`make install\`, which builds it"
done
mkdir -p "$root" 2>/dev/null && [ -w "$root" ] || die "cannot write to $root; choose another folder with \`make install PREFIX=…\`"
remove

install -D -m 755 -t "$root/bin" "$built/multiexpan" "$built/multiexpan-engine"

# The user's own libtorch is not copied: the programs are linked to its folder.
own=${LIBTORCH_USE_PYTORCH:-}
if [ -n "${LIBTORCH:-}" ] && ! [ "$LIBTORCH" -ef .libtorch/torch ]; then own=$LIBTORCH; fi
if [ -z "$own" ]; then
  mkdir -p "$root/lib/multiexpan/torch"
  cp -R .libtorch/torch/lib .libtorch/torch/build-version "$root/lib/multiexpan/torch"
  cp -R .libtorch/nvidia .libtorch/*.dist-info "$root/lib/multiexpan"
fi

mkdir -p "$root/share/multiexpan"
cp -R data/demo "$root/share/multiexpan/demo"

mkdir -p "$manual"
"$built/multiexpan" man --out "$manual"
# Writes the completions of a shell: SHELL FILE
completion() {
  mkdir -p "$(dirname "$2")"
  "$built/multiexpan" completions "$1" >"$2"
}
completion bash "$bash_completion"
completion zsh "$zsh_completion"
completion fish "$fish_completion"

say "installed multiexpan in $prefix/bin ($(du -shc "$root/lib/multiexpan" "$root/share/multiexpan" 2>/dev/null | tail -1 | cut -f1) with libtorch and the demo)"
if [ -n "${DESTDIR:-}" ]; then exit 0; fi
"$prefix/bin/multiexpan-engine" --version >/dev/null || die "the installed engine does not start: $prefix/bin/multiexpan-engine --version"
case ":$PATH:" in
  *":$prefix/bin:"*) ;;
  *) say "$prefix/bin is not in PATH; add it, for example in ~/.profile: PATH=\"$prefix/bin:\$PATH\"" ;;
esac
