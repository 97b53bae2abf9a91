"""Which files are images: by their suffix, and where that says nothing, by their first bytes."""

from __future__ import annotations

from pathlib import Path

from prune.modalities.image.sniff import HEAD, is_surely_image
from prune.modalities.image.suffixes import FOREIGN_SUFFIXES, IMAGE_SUFFIXES

_words = str.split  # many words in few lines
_OTHER_SUFFIXES = frozenset(
    _words(  # so common beside images that nobody wants them opened one by one
        "txt json jsonl xml csv tsv npy npz md rst html htm yaml yml toml ini cfg log pdf py ipynb sh "
        "parquet arrow tar gz zip rar 7z bz2 xz pkl pickle pt pth safetensors mat h5 hdf5 mdb db sqlite doc "
        "docx xls xlsx mp4 avi mov mkv webm mp3 wav flac caption cls tmp lock bak part"
    )
)


def suffix_in(name: str) -> str:
    """Return what stands behind the last dot, in lower case; "" without a dot."""
    stem, dot, suffix = name.rpartition(".")
    return suffix.lower() if dot and stem else ""


def is_image(folder: Path, name: str) -> bool:
    """Whether a file is taken as a picture; one whose suffix does not say is opened and looked at.

    A hidden file is not. A known suffix is believed: what does not hold what it says is a broken image.
    """
    if name.startswith("."):
        return False
    suffix = suffix_in(name)
    if suffix in IMAGE_SUFFIXES:
        return True
    if suffix in _OTHER_SUFFIXES:
        return False
    try:
        with (folder / name).open("rb") as file:
            return is_surely_image(file.read(HEAD))
    except OSError:
        return False


def may_be_image(name: str) -> bool:
    """Whether a name, hidden or not, is that of an image by its suffix, whoever reads it."""
    return not name.startswith(".") and suffix_in(name) in IMAGE_SUFFIXES | FOREIGN_SUFFIXES


def kind_of(name: str) -> str:
    """Say in a few words that follow a number what a file is that was not taken."""
    suffix = suffix_in(name)
    if not suffix:
        return "without a suffix"
    return f".{suffix}" + (" (no format that prune reads)" if suffix in FOREIGN_SUFFIXES else "")
