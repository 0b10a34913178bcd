#!/usr/bin/env bash
# Installs into an empty folder and uses the program from another one, as if the source folder were gone.
set -euo pipefail
cd "$(dirname "$0")/.."
source_folder=$PWD
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
die() { echo "check_install: $*" >&2; exit 1; }

make install PREFIX="$prefix"
cd /
export HOME="$prefix/home" PATH="$prefix/bin:$PATH"
unset MULTIEXPAN_DATA
doctor=$(multiexpan doctor)
echo "$doctor"
if grep -q '✗' <<<"$doctor"; then die "doctor found a fault"; fi
grep -q "demo index .*$prefix" <<<"$doctor" || die "the installed demo is not the one that is found"
# every library of libtorch is the installed one
if ldd "$prefix/bin/multiexpan-engine" | grep -F "$source_folder"; then die "the engine needs the source folder"; fi
multiexpan expand "$prefix/share/multiexpan/demo/index" --seeds lion,tiger,leopard | grep -q jaguar || die "expand finds nothing"
[ -s "$prefix/share/man/man1/multiexpan-expand.1" ] || die "the manual is missing"
for script in bash-completion/completions/multiexpan zsh/site-functions/_multiexpan fish/vendor_completions.d/multiexpan.fish; do
  [ -s "$prefix/share/$script" ] || die "$script is missing"
done

make -C "$source_folder" uninstall PREFIX="$prefix"
left=$(find "$prefix" -name '*multiexpan*' -not -path "$prefix/home/*")
[ -z "$left" ] || die "left after uninstall: $left"
