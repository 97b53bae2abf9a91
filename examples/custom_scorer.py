"""A score of your own, in fifteen lines: how unsure the proxy was, averaged over the last epochs.

prune score --type el2n DATA          # once: leaves the trace
python examples/custom_scorer.py      # writes my_score.parquet
prune score --import my_score.parquet
prune select --method bottom --score unsure --fraction 0.5
"""

import sys

import pyarrow as pa
import pyarrow.parquet as pq

import prune
from prune.proxy import Trace

store = prune.Store(sys.argv[1] if len(sys.argv) > 1 else ".prune")
trace = Trace(store.column("trace.0"))
unsure = 1 - trace.fact("gap")[-3:].mean(axis=0)  # (t, n) -> (n,): the margin between the two best classes
rows = store.dataset.usable
keys = store.dataset.samples["key"].take(pa.array(rows))
pq.write_table(pa.table({"key": keys, "unsure": unsure[rows]}), "my_score.parquet")
