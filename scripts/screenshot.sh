#!/usr/bin/env bash
# Draws docs/explore.png: the explorer with sixel pictures in an xterm on a virtual display.
# Needs (Debian's names) xvfb xterm imagemagick xdotool fonts-dejavu-core, and a built program.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-docs/explore.png}
keys=${2:-"slash c a r n i v Return"}
state=$(mktemp -d)
display=:97
Xvfb $display -screen 0 1500x1000x24 >/dev/null 2>&1 &
server=$!
trap 'kill $server 2>/dev/null; rm -rf "$state"' EXIT
sleep 1
export DISPLAY=$display XDG_STATE_HOME=$state XDG_CONFIG_HOME=$state
unset TMUX
xterm -tn xterm-256color -ti vt340 -xrm 'XTerm*decTerminalID: vt340' -xrm 'XTerm*allowWindowOps: true' -xrm 'XTerm*numColorRegisters: 256' \
  -fa 'DejaVu Sans Mono' -fs 10 -geometry 150x46 -e target/release/multiexpan explore "${INDEX:-data/demo/index}" --images sixel &
sleep 4
for key in $keys; do xdotool key "$key"; sleep 0.2; done
sleep 5
import -window root -trim "$out"
