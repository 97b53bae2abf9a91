"""What a user writes, as mypy sees it: every verb with its options; mistakes are told by their codes."""

from __future__ import annotations

import numpy as np

import prune

store = prune.Store("work/.prune")
settings = prune.Settings(seed=3, device="cpu", on_error="skip")

embedded = prune.embed(store, "data/", encoder="resnet18", settings=settings)
scored = prune.score(store, "data/", types=["el2n", "aum"], runs=2, options={"epoch": 5})
selection = prune.select(
    store, method="kcenter", fraction=0.3, quota="equal", drop_hardest="auto", options={"metric": "cosine"}
)
written = prune.export(store, format="webdataset", out="smaller", options={"layout": "repack"})
found = prune.verify("smaller", source=False)
columns: list[str] = store.columns
hard: float = float(np.max(store.scores()["el2n"]))
chosen = store.selection("kcenter")
pairs = list(zip(chosen.keys.tolist(), chosen.weights.tolist(), chosen.rows.tolist(), strict=True))
features = np.asarray(store.column("embedding.resnet18"))
kept = prune.select_rows(features, method="kcenter", k=10, metric="cosine")
order: list[int] = kept.rows.tolist()
reading = prune.loaders.dataset(store, "kcenter", fraction=0.1, weights=True, transform=np.asarray)
going: dict[str, object] = prune.loaders.stream(".prune", shuffle=True, batch_size=64).state_dict(batches=3)
shards = prune.loaders.webdataset(store, weights=True, rank=0, world=2)

prune.select(store, methd="kcenter")  # type: ignore[call-arg]
prune.select(store, fraction=[0.3])  # type: ignore[arg-type]
prune.score(store, "data/", type=["el2n"])  # type: ignore[call-arg]
prune.export(store)  # type: ignore[call-arg]
prune.embed(store, encoder=3)  # type: ignore[arg-type]
prune.Settings(sed=3)  # type: ignore[call-arg]
prune.Settings(device="gpu")  # type: ignore[arg-type]
prune.loaders.dataset(store, weight=True)  # type: ignore[call-arg]
prune.loaders.stream(store, even="most")  # type: ignore[arg-type]
prune.selct(store)  # type: ignore[attr-defined]
