#!/bin/sh
# The four commands on CIFAR-10, from the parquet files of the Hugging Face hub and again from tar shards.
#
#   sh examples/cifar10.sh FOLDER_WITH_PARQUET [EPOCHS]
#
# FOLDER holds train-*.parquet with an image and a label column. With 10 epochs on two CPU cores it takes about
# ten minutes.
set -eu
data=$1
epochs=${2:-10}

# From parquet. `embed` is optional: without it, select uses the features of the proxy that `score` trains.
prune embed --encoder pixels "$data"
prune score --type grad_norm,aum --epochs "$epochs" "$data"
prune select --method kcenter --fraction 0.3 --on proxy
prune export --format webdataset --out cifar10-30

# The shards are a dataset like any other: 15,000 samples, of which we keep half.
prune score --type el2n --epochs "$epochs" --store shards.prune cifar10-30
prune select --method stratified --score el2n --fraction 0.5 --store shards.prune
prune export --format webdataset --out cifar10-15 --store shards.prune

prune status
prune status --store shards.prune
