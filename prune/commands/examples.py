"""Examples at the end of `prune --help` and `prune VERB --help`. A test parses every one."""

from __future__ import annotations

CHAIN = (
    ("train a small proxy, which gives every sample a number", "prune score --type grad_norm data/"),
    ("choose which to keep", "prune select --method kcenter --fraction 0.3"),
    ("write them, byte for byte", "prune export --format webdataset --out smaller"),
    ("or look at all of it without data of your own", "prune demo"),
)
EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "embed": (
        ("features of a pretrained ResNet-18", "prune embed data/"),
        ("your own features, one row a sample", "prune embed --features features.npy data/"),
        ("no network: a few pixels a sample", "prune embed --encoder pixels data/"),
        ("texts: words and pairs of words, no weights", "prune embed reviews.jsonl"),
        ("a sentence-transformers folder", "prune embed --encoder sentence --weights ./minilm reviews.jsonl"),
        ("images and captions", "prune embed --encoder clip:ViT-B-32.openai --weights default pairs/"),
    ),
    "score": (
        ("two scores from one training of a small proxy", "prune score --type el2n,aum data/"),
        ("how far to trust them: five runs", "prune score --type grad_norm --runs 5 data/"),
        ("your own model", "prune score --type el2n --checkpoint model.pth --model net.py:build data/"),
        ("a tenth of each class set aside first, to test on", "prune score --type aum --holdout 0.1 data/"),
        ("how well captions fit their images", "prune score --type clip"),
        ("your own numbers", "prune score --import scores.csv --high hard data/"),
    ),
    "select": (
        ("30 % that cover the dataset", "prune select --method kcenter --fraction 0.3"),
        (
            "the hardest 1,000, without what is likely mislabelled",
            "prune select --method top --score el2n --count 1000 --drop-hardest auto",
        ),
        (
            "as many of every class, under a name",
            "prune select --method random --fraction 0.1 --quota equal --name tenth",
        ),
        (
            "as many of every site, a column of the dataset, of what is large enough",
            "prune select --method random --fraction 0.1 --quota equal --by site --where 'width >= 256'",
        ),
        (
            "a third, of what prune select --method semdedup left of near duplicates",
            "prune select --method random --fraction 0.3 --within semdedup",
        ),
        (
            "what an earlier selection kept, and more, up to the budget: of data that grew",
            "prune select --method kcenter --fraction 0.3 --given kcenter",
        ),
        (
            "nothing of a list that was gone through",
            "prune select --method random --fraction 0.3 --drop-suspects suspects.csv",
        ),
        ("of texts that are nearly the same, one each", "prune select --method minhash"),
        (
            "the tenth whose words are most like those of some texts",
            "prune select --method dsir --target wanted.txt --fraction 0.1",
        ),
        ("nothing of the test set", "prune select --method random --fraction 0.3 --drop-leaks test/"),
        ("what it would need", "prune select --method facility_location --fraction 0.1 --dry-run"),
    ),
    "export": (
        ("tar shards, members copied unchanged", "prune export --format webdataset --out smaller"),
        ("an image folder of links", "prune export --format imagefolder --link hard --out smaller"),
        (
            "what was left out, of a selection by name",
            "prune export --format parquet --selection tenth --rejected",
        ),
        (
            "to the Hugging Face hub, with a card that says how it was chosen",
            "prune export --format parquet --out smaller --push user/smaller",
        ),
        (
            "nothing copied: indices for NVIDIA DALI over the original shards",
            "prune export --format dali --out kept",
        ),
        ("the very bytes of lines of JSON, in one file", "prune export --format jsonl --out kept.jsonl.zst"),
        (
            "another tenth of everything each epoch, as rows",
            "prune export --format schedule --epochs 200 --fraction 0.1",
        ),
    ),
    "evaluate": (
        (
            "is it better than random, at two sizes?",
            "prune evaluate --test test --select kcenter --select top:el2n --fraction 0.1,0.3",
        ),
        ("a selection of the store, five seeds", "prune evaluate --test testdata/ --select tenth --seeds 5"),
        (
            "a chain, and an option of select",
            "prune evaluate --test test --select 'semdedup>random' "
            "--select stratified:aum,drop_hardest=0.1 --fraction 0.3",
        ),
        (
            "which method shall I take? then: prune select --method auto --fraction 0.3",
            "prune evaluate --test test --choose --fraction 0.3",
        ),
        (
            "tested on what the store holds out, drawn",
            "prune evaluate --select kcenter --fraction 0.1,0.3 --plot accuracy.png",
        ),
        ("what it would cost", "prune evaluate --test test --select kcenter --fraction 0.3 --dry-run"),
    ),
    "report": (
        ("a page about the latest selection, in the browser", "prune report --open"),
        ("of a selection by name, in a file of your own", "prune report --selection tenth --out tenth.html"),
    ),
    "run": (
        ("the chain of prune.toml; what stands is left as it is", "prune run"),
        ("what would run, and what is known of its cost", "prune run --dry-run"),
        ("some of its steps", "prune run --only select,check"),
        ("another file, with its results elsewhere", "prune run nightly.toml --store /var/tmp/nightly"),
    ),
    "plan": (
        ("the three lines of the README on your data", "prune plan data/"),
        ("another chain", "prune plan data/ --type el2n --epochs 20 --method stratified --fraction 0.1"),
        (
            "a billion of them on eight machines",
            "prune plan data/ --samples 1e9 --machines 8 --gpus 8 --price 2.5",
        ),
        ("the chain of a file, for a script", "prune plan --recipe prune.toml --json"),
    ),
    "status": (
        ("what there is", "prune status"),
        ("for a script", "prune status --json"),
        ("the chain that made it, as a file", "prune status --recipe --out prune.toml"),
    ),
    "verify": (
        ("the store and the dataset", "prune verify"),
        ("an export, without reading the dataset", "prune verify --no-source smaller"),
    ),
    "check": (
        (
            "classes are kept, and nothing of the test set is",
            "prune check --min-per-class 50 --no-leak test/",
        ),
        ("at most 0.2 points below random, from prune evaluate", "prune check --min-delta -0.2"),
        ("not too different from an earlier selection", "prune check --selection tenth --churn last 0.2"),
        ("for a script", "prune check --max-duplicates 0.01 --json"),
    ),
    "gc": (
        ("what would go", "prune gc --dry-run"),
        ("what nothing shows any more", "prune gc"),
    ),
    "suspects": (
        ("labels to look at first, in doubt by what did not learn from them", "prune suspects"),
        ("all of them, as a table to edit", "prune suspects --out suspects.csv"),
        ("the samples themselves, in a folder", "prune suspects --out suspects"),
        ("by the two normals of a score", "prune suspects --by aum"),
    ),
    "why": (
        ("of one sample, by the latest selection", "prune why cat/001.png"),
        ("of several, by a selection by name", "prune why --selection tenth cat/001.png dog/007.png"),
    ),
    "diff": (
        ("what another method keeps", "prune diff kcenter random"),
        ("what moved since last week, as a table", "prune diff last/.prune:kcenter kcenter --out moved.csv"),
    ),
    "methods": (
        ("what there is to choose from", "prune methods"),
        ("one family", "prune methods selectors"),
        ("the page of one: formula, options, cost, papers", "prune methods kcenter"),
    ),
    "demo": (
        ("the whole chain, offline, in a new folder", "prune demo --out prune-demo"),
        ("on text: of a mixture, what is like a target", "prune demo --text --out prune-demo"),
    ),
}

# A value of each option that has no default, for the hint that it wants one.
VALUES = {
    "--as": "imagefolder",
    "--batch": "128",
    "--by": "confident",
    "--churn": "last 0.2",
    "--checkpoint": "model.pth",
    "--count": "1000",
    "--cross-fit": "5",
    "--drop-by": "el2n",
    "--drop-hardest": "0.1",
    "--drop-leaks": "test/",
    "--drop-suspects": "auto",
    "--encoder": "resnet18",
    "--samples": "1e9",
    "--machines": "8",
    "--gpus": "8",
    "--price": "2.5",
    "--epochs": "10",
    "--features": "features.npy",
    "--format": "webdataset",
    "--first": "20",
    "--fraction": "0.3",
    "--given": "keys.txt",
    "--high": "hard",
    "--image-column": "image",
    "--import": "scores.csv",
    "--label-field": "label",
    "--labels": "labels.npy",
    "--label-noise": "0.1",
    "--layout": "repack",
    "--link": "hard",
    "--lr": "0.1",
    "--max-memory": "4G",
    "--max-class-shift": "0.1",
    "--max-duplicates": "0.01",
    "--max-suspects": "0.02",
    "--method": "kcenter",
    "--min-delta": "-0.2",
    "--min-per-class": "50",
    "--model": "net.py:build",
    "--no-leak": "test/",
    "--on": "proxy",
    "--only": "select",
    "--on-fraction": "0.2",
    "--out": "smaller",
    "--proxy": "resnet8",
    "--quota": "equal",
    "--quota-cap": "100",
    "--quota-errors": "errors.json",
    "--quota-floor": "10",
    "--reweight": "cluster",
    "--runs": "5",
    "--score": "el2n",
    "--select": "kcenter",
    "--selection": "kcenter",
    "--shard-size": "10000",
    "--size": "32",
    "--split": "train",
    "--steps": "4000",
    "--target": "wanted/",
    "--test": "test",
    "--test-labels": "labels.csv",
    "--test-split": "test",
    "--type": "el2n",
    "--until-stable": "0.95",
    "--within": "semdedup",
    "--workers": "4",
}
