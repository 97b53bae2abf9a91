"""Rows of docs/data.md about folders that are parts of one dataset, and about folders of well-known ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prune.readers import open_reader
from prune.readers.folders.layout import LayoutError

PETS = ("cat/1.png", "cat/2.png", "dog/3.png", "dog/4.png")
TWO = {"cat": 2, "dog": 2}


def of(*names: str) -> Callable[..., Path]:
    return lambda make, root: make.folder(root, *names)


def each(folders: str, *names: str) -> tuple[str, ...]:
    """Every name in every folder; a name says its folder again where it has braces."""
    return tuple(f"{folder}/{name}".replace("{}", folder) for folder in folders.split() for name in names)


def labelled_folds(make: Any, root: Path) -> Path:
    make.folder(root, "fold_1/1.png", "fold_1/2.png", "fold_2/3.png", "fold_2/4.png")
    make.put(root.parent / "y.csv", b"id,label\n1,a\n2,b\n3,a\n4,b\n")
    return root


def above(make: Any, root: Path) -> Path:
    make.folder(root / "images", *(f"{n}.png" for n in range(4)))
    rows = "".join(f"images/{n}.png,{'ab'[n % 2]}\n" for n in range(4))
    make.put(root / "metadata.csv", f"file_name,label\n{rows}".encode())
    return root


def asks(pattern: str, words: str, n: int, classes: dict[str, int], **more: Any) -> dict[str, Any]:
    """It is refused, and what the words of the advice find."""
    split = {"split": words.split()[1]} if words.startswith("--split") else {}
    return {"refused": pattern, "then": {"words": words.split(), "n": n, "classes": classes, **split, **more}}


def names_place(pattern: str, place: str, n: int, classes: dict[str, int], **more: Any) -> dict[str, Any]:
    return {"refused": pattern, "then": {"data": f"{{root}}/{place}", "n": n, "classes": classes, **more}}


PARTS = "seems to hold parts of one dataset, not classes"
NOTES = "folder {} (annotations, not samples)"
ROWS: dict[str, tuple[Callable[..., Path], dict[str, Any]]] = {
    "`fold1/cat/…` `fold2/cat/…` `fold3/…`": (
        of(*each("fold1 fold2 fold3", *PETS)),
        asks(f"{PARTS}: fold1, fold2, fold3 hold the same folders .cat, dog.", "--split fold1", 4, TWO),
    ),
    "the same with `--no-labels`": (
        of(*each("fold1 fold2 fold3", *PETS)),
        {"words": ["--no-labels"], "n": 12, "classes": {}},
    ),
    "`fold_1/1.png` `fold_2/2.png`, and `--labels`": (
        labelled_folds,
        {"words": ["--labels", "{root}/../y.csv"], "n": 4, "classes": {"a": 2, "b": 2}},
    ),
    "`part_A/1.png` `part_B/2.png`": (
        of("part_A/1.png", "part_B/2.png"),
        asks(f"{PARTS}: part_A, part_B", "--no-labels", 2, {}),
    ),
    "`Trainingsdaten/` `Testdaten/`, `entrenamiento/` `validación/`, `训练集/` `测试集/`": (
        of(*each("Trainingsdaten Testdaten", *PETS)),
        asks("holds splits, not classes: Testdaten, Trainingsdaten", "--split Trainingsdaten", 4, TWO),
    ),
    "`cat/old/` `cat/young/` `dog/old/` `dog/young/`": (
        of(*each("cat dog", "old/{}1.png", "young/{}2.png")),
        asks(PARTS, "--as imagefolder", 4, TWO),
    ),
    "`cat/train/` `cat/test/` `dog/train/` `dog/test/`": (
        of(*each("cat dog", "train/{}1.png", "test/{}2.png")),
        asks("holds folders with splits in them .test, train.: cat, dog", "--as imagefolder", 4, TWO),
    ),
    "`Aves/corvus/` `Aves/anas/` `Insecta/apis/`": (
        of("Aves/corvus/1.png", "Aves/anas/2.png", "Insecta/apis/3.png"),
        {"n": 3, "classes": {"Aves": 2, "Insecta": 1}},
    ),
    "`images/0.png` and `metadata.csv` with `images/0.png,cat`": (
        above,
        {"n": 4, "classes": {"a": 2, "b": 2}},
    ),
    "ImageNet: `ILSVRC/Data/CLS-LOC/train/n01/…`": (
        of(
            *each("ILSVRC/Data/CLS-LOC", "train/n01/1.JPEG", "train/n02/2.JPEG", "val/3.JPEG"),
            "ILSVRC/Annotations/CLS-LOC/train/n01/1.xml",
        ),
        names_place("one folder too high", "ILSVRC/Data/CLS-LOC/train", 2, {"n01": 1, "n02": 1}),
    ),
    "Tiny ImageNet: `train/n01/images/…` `val/images/…`": (
        of(*each("train/n01 train/n02", "images/{}.JPEG"), "val/images/1.JPEG", "val/val_annotations.txt"),
        asks("holds splits", "--split train", 2, {"n01": 1, "n02": 1}),
    ),
    "Caltech-101: `101_ObjectCategories/` `Annotations/`": (
        of(*each("101_ObjectCategories", "Faces/1.jpg", "ant/2.jpg"), "Annotations/Faces/1.txt"),
        names_place("one folder too high", "101_ObjectCategories", 2, {"Faces": 1, "ant": 1}),
    ),
    "Oxford-IIIT Pet: `images/…` `annotations/trimaps/…`": (
        of("images/Beagle_1.jpg", "images/Beagle_2.jpg", "annotations/trimaps/Beagle_1.png"),
        {"n": 2, "classes": {}, "passed_over": {NOTES.format("annotations/"): 1}},
    ),
    "CUB-200: `CUB_200_2011/images/001.cat/…` `segmentations/001.cat/…`": (
        of(*each("CUB_200_2011/images segmentations", "001.cat/1.png", "002.dog/2.png")),
        names_place("one folder too high", "CUB_200_2011/images", 2, {"001.cat": 1, "002.dog": 1}),
    ),
    "Flowers-102: `jpg/image_0001.jpg` `imagelabels.mat`": (
        of("jpg/image_0001.jpg", "jpg/image_0002.jpg"),
        {"n": 2, "classes": {}},
    ),
    "Food-101, DTD: `images/apple/…` `meta/` `labels/`": (
        of(*each("images", *PETS), "meta/train.txt", "labels/train1.txt", "imdb/a.txt"),
        {"n": 4, "classes": TWO, "passed_over": {NOTES.format("labels/"): 1}},
    ),
    "EuroSAT: `2750/Forest/…`": (
        of(*each("2750", "Forest/1.jpg", "River/2.jpg")),
        names_place("one folder too high", "2750", 2, {"Forest": 1, "River": 1}),
    ),
    "PlantVillage: `color/Apple/…` `grayscale/Apple/…`": (
        of(*each("color grayscale segmented", "Apple/1.jpg", "Corn/2.jpg")),
        asks(f"{PARTS}: color, grayscale, segmented", "--split color", 2, {"Apple": 1, "Corn": 1}),
    ),
    "DomainNet, PACS, Office-Home: `clipart/axe/…` `real/axe/…`": (
        of(*each("clipart real", "axe/1.jpg", "bus/2.jpg")),
        asks(f"{PARTS}: clipart, real", "--split clipart", 2, {"axe": 1, "bus": 1}),
    ),
    "Office-31: `amazon/images/bike/…` `dslr/images/bike/…`": (
        of(*each("amazon dslr webcam", "images/bike/1.jpg", "images/mug/2.jpg")),
        asks(f"{PARTS}: amazon, dslr, webcam", "--split amazon", 2, {"bike": 1, "mug": 1}),
    ),
    "MVTec: `bottle/train/good/…` `bottle/test/broken/…` `bottle/ground_truth/…`": (
        of(*each("bottle cable", "train/good/1.png", "test/good/2.png", "test/hole/3.png")),
        names_place("holds folders with splits in them .test, train.", "bottle/train", 1, {"good": 1}),
    ),
    "Cityscapes: `leftImg8bit/train/ulm/…` `gtFine/train/ulm/…`": (
        of(*each("leftImg8bit gtFine", "train/ulm/1.png", "train/aachen/2.png", "val/bonn/3.png")),
        asks(
            "holds splits, not classes: train, val",
            "--split train",
            2,
            {"aachen": 1, "ulm": 1},
            passed_over={NOTES.format("gtFine/"): 1},
        ),
    ),
    "KITTI: `training/image_2/…` `training/label_2/…` `testing/…`": (
        of(*each("training testing", "image_2/000000.png"), "training/label_2/000000.txt"),
        asks("holds splits", "--split training", 1, {}),
    ),
    "NIH: `images_001/images/…` `images_002/images/…`": (
        of("images_001/images/1.png", "images_002/images/2.png"),
        asks("holds folders of pictures, no classes", "--no-labels", 2, {}),
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_row(row: str, tried: Callable[..., None]) -> None:
    tried(*ROWS[row])


@pytest.mark.parametrize(
    ("training", "testing"),
    [
        ("entrenamiento", "Prueba"),
        ("apprentissage", "essais"),
        ("données d'entraînement", "données de test"),
        ("addestramento", "prova"),
        ("Treinamento", "teste"),
        ("Eğitim", "test"),
        ("обучение", "тест"),
        ("обучающая выборка", "тестовая выборка"),
        ("训练数据", "测试数据"),
        ("学習データ", "テストデータ"),
        ("훈련", "테스트"),
        ("Träning", "TESTDATA"),
        ("TRAININGSDATEN", "PRÜFUNG"),
    ],
)
def test_splits_are_called_so_in_many_languages(
    training: str, testing: str, make: Any, tmp_path: Path
) -> None:
    make.folder(tmp_path, f"{training}/cat/1.png", f"{training}/dog/2.png", f"{testing}/cat/3.png")
    reader = open_reader(str(tmp_path), split="train")
    assert reader.split == training
    assert [name for unit in reader.units() for name in unit.files] == ["cat/1.png", "dog/2.png"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (each("leftImg8bit/train gtFine/train", "ulm/1.png", "bonn/2.png"), "gtFine/ annotates their pict"),
        (("Aves/corvus/1.png", "Aves/anas/2.png", "Insecta/apis/3.png"), "not told apart: Aves/anas, Aves/c"),
        (("photos of cats/1.png", "photos of cats/2.png"), "all labels are 'photos of cats': --no-labels"),
        (tuple(f"{n:02}/{n}.png" for n in range(10)), "10 classes for 10 samples, so most classes have one"),
    ],
)
def test_what_may_be_no_class_is_said(
    names: tuple[str, ...], said: str, make: Any, tmp_path: Path, prune: Callable[..., Any]
) -> None:
    make.folder(tmp_path / "data", *names)
    split = ["--split", "train"] if names[0].startswith("left") else []
    store = ["--store", tmp_path / "s", "--encoder", "pixels", "--workers", 0]
    told = prune("embed", str(tmp_path / "data"), *split, *store)
    assert told.code == 0, told.err
    assert said in " ".join(told.err.split())


@pytest.mark.parametrize("folder", ["", "images/"])
def test_labels_above_a_split_are_named_and_found(
    folder: str, make: Any, tmp_path: Path, prune: Callable[..., Any]
) -> None:
    root = make.folder(
        tmp_path / "data", *(f"{folder}{name}.png" for name in ("train/1", "train/2", "val/3"))
    )
    rows = "".join(f"{folder}{name}.png,{label}\n" for name, label in (("train/1", "a"), ("train/2", "b")))
    table = make.put(root / "metadata.csv", f"file_name,label\n{rows}".encode())
    words = ["--split", "train", "--encoder", "pixels", "--workers", 0, "--json", "--store"]
    told = prune("embed", str(root), *words, tmp_path / "s")
    assert f"{table} lies above the pictures, and is not read: --labels {table}" in told.err.replace(
        "\n", " "
    )
    read = prune("embed", str(root), *words, tmp_path / "t", "--labels", table)
    assert json.loads(read.out)["dataset"]["classes"] == 2


@pytest.mark.parametrize(
    "names",
    [
        tuple(f"subject{n:02}/{mood}/1.png" for n in range(12) for mood in ("happy", "sad")),
        tuple(f"{n}/{kind}/1.png" for n in range(5) for kind in ("benign", "malignant")),
        ("Set A/1.png", "Set B/1.png", "Set C/1.png"),
        ("Partie 1/1.png", "Partie 2/2.png"),
        each("camera 1 camera 2", "day/1.png", "night/2.png"),
        each("left right", "data/images/cat/1.png", "data/images/dog/2.png", "data/images/bird/2.png"),
    ],
)
def test_parts_are_known_by_what_lies_in_them(names: tuple[str, ...], make: Any, tmp_path: Path) -> None:
    make.folder(tmp_path, *names)
    with pytest.raises(LayoutError, match="seems to hold parts of one dataset"):
        open_reader(str(tmp_path))
    open_reader(str(tmp_path), no_labels=True)


@pytest.mark.parametrize(
    "names",
    [
        each("cat dog", "1.png", "2.png"),
        each("cat dog", "images/{}1.png"),
        each("cat dog", "face/{}1.png"),
        tuple(f"class{n:02}/{year}/{n}.png" for n in range(12) for year in (2019, 2020)),
        ("Type_1/1.png", "Type_2/2.png"),
        ("set/1.png", "game/2.png", "match/3.png"),
    ],
)
def test_classes_are_not_taken_for_parts(names: tuple[str, ...], make: Any, tmp_path: Path) -> None:
    make.folder(tmp_path, *names)
    open_reader(str(tmp_path))
