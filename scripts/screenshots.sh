#!/usr/bin/env bash
# Makes docs/*.png, a screenshot of each screen, and docs/explorer.gif, which visits them. The explorer
# runs with sixel images in an xterm on a virtual display. Needs the Debian packages xvfb, xterm,
# imagemagick, xdotool and fonts-dejavu-core, and a built program.
#
#   scripts/screenshots.sh [FOLDER]     (default: docs)
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-docs}
mkdir -p "$out"
home=$(mktemp -d)
display=:97
Xvfb $display -screen 0 1100x860x24 >/dev/null 2>&1 &
server=$!
trap 'kill $server 2>/dev/null; rm -rf "$home"' EXIT
sleep 1
export DISPLAY=$display XDG_STATE_HOME=$home XDG_CONFIG_HOME=$home XDG_CACHE_HOME=$home
unset TMUX
xterm -tn xterm-256color -ti vt340 -xrm 'XTerm*decTerminalID: vt340' -xrm 'XTerm*allowWindowOps: true' \
  -xrm 'XTerm*numColorRegisters: 256' -xrm 'XTerm*pointerMode: 2' -fa 'DejaVu Sans Mono' -fs 10 -geometry 130x44+0+0 \
  -e env COLORTERM=truecolor target/release/multiexpan explore "${INDEX:-data/demo/index}" --images sixel &
sleep 4
frame=0
type() { xdotool type --delay 60 -- "$1"; }
press() { xdotool key --delay 60 "$@"; }
# Adds the screen to the animation, for a time in hundredths of a second: TIME
film() { frame=$((frame + 1)); import -window root -crop 1045x753+0+0 +repage "$home/$(printf %03d $frame)-$1.png"; }
# Saves the screen, and adds it to the animation: NAME [TIME]
save() { import -window root -crop 1045x753+0+0 +repage "$out/$1.png"; film "${2:-250}"; }
film 80
type "/carniv"; sleep 0.5; film 60
press Down Down Return; sleep 4; film 150
type "jj"; sleep 3; save explore
press plus; sleep 3; film 150
type "u"; sleep 2; type "m"; sleep 3; film 150
type "mmmmmw"; sleep 2; type "jjjjj jj"; sleep 3; save explain; type "]"; sleep 2; film 250
type "qi"; sleep 2; type "jjll"; sleep 3; save what-if
type "0q2"; sleep 6; type "jjj"; sleep 2; save compare
type "3"; sleep 6; type "jjj"; sleep 3; save failures
type "vvc"; sleep 2; type "jl"; sleep 1; save confusion
type "c4"; sleep 6; save metrics
type ":theme"; sleep 1; save palette
press Return; sleep 1; press Down Down; sleep 2; film 120
press Escape; sleep 1; type "1"; sleep 2; type "z"; sleep 3; save zoom
press Escape; sleep 0.5; type "q"
sleep 1
# The name of each frame ends with its time.
arguments=()
for image in "$home"/*.png; do
  name=${image##*-}
  arguments+=(-delay "${name%.png}" "$image")
done
convert "${arguments[@]}" -resize 80% -colors 64 -layers Optimize -loop 0 "$out/explorer.gif"
ls -l "$out"/*.png "$out/explorer.gif"
