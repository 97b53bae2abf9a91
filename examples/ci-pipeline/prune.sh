#!/bin/sh
# Score, select and export, in a pipeline that nobody watches. Copy this file: it needs prune on the path, and no more.
#
#   DATA=data/ OUT=smaller/ FRACTION=0.3 sh prune.sh
#
# Keep the folder $PRUNE_STORE between runs: what is in it is not computed again. Run again after any interruption.
# The first command that fails ends the script with its exit code: 3 the data, 4 the store, 6 no space.
set -eu
: "${DATA:?the dataset}" "${OUT:?the folder to write}" "${FRACTION:=0.3}"
export PRUNE_STORE="${PRUNE_STORE:-.prune}"

# When the data has changed since the store was made, start over instead of failing (exit code 4).
prune score --type "${SCORE:-grad_norm}" --epochs "${EPOCHS:-10}" --on-error skip --refresh --json "$DATA" >score.json
prune select --method "${METHOD:-kcenter}" --fraction "$FRACTION" --json >select.json
prune export --format "${FORMAT:-webdataset}" --out "$OUT" --overwrite --json >export.json
prune verify "$OUT"
prune gc # what the store shows no more, so that a cache of it does not grow for ever
