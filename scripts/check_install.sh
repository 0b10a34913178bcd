#!/usr/bin/env bash
# Installs into an empty folder, and checks that the program works from another folder without the
# source folder.
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
if grep -q '✗' <<<"$doctor"; then die "multiexpan doctor reports a fault"; fi
grep -q "demo index .*$prefix" <<<"$doctor" || die "multiexpan doctor does not find the installed demo"
# Every library of libtorch must be the installed one.
if ldd "$prefix/bin/multiexpan-engine" | grep -F "$source_folder"; then die "the engine is linked to libraries in the source folder"; fi
multiexpan expand "$prefix/share/multiexpan/demo/index" --seeds lion,tiger,leopard | grep -q jaguar || die "multiexpan expand does not rank jaguar"
[ -s "$prefix/share/man/man1/multiexpan-expand.1" ] || die "the manual page multiexpan-expand.1 is missing"
for file in bash-completion/completions/multiexpan zsh/site-functions/_multiexpan fish/vendor_completions.d/multiexpan.fish; do
  [ -s "$prefix/share/$file" ] || die "$file is missing"
done

make -C "$source_folder" uninstall PREFIX="$prefix"
remaining=$(find "$prefix" -name '*multiexpan*' -not -path "$prefix/home/*")
[ -z "$remaining" ] || die "not removed by uninstall: $remaining"
