"""Roles of folders by their names: pictures, what is noted about them, a class, or no data at all."""

from __future__ import annotations

from collections.abc import Iterable

from prune.readers.folders.splits import tokens

PICTURES = "pictures"  # `images`, `JPEGImages`: never a class
PERHAPS_PICTURES = "perhaps pictures"  # `photo` may be a class, beside `sketch`
NOTES = "notes"  # `annotations`, `SegmentationClass`, `labels`: never a class
PERHAPS_NOTES = "perhaps notes"  # `masks` may be one, beside `hats`

_words = str.split  # many words in few lines
_PICTURES = frozenset(_words("image images img imgs jpg jpgs jpegs png pngs jpegimages pngimages"))
_PERHAPS_PICTURES = frozenset(_words("photo photos picture pictures pic pics rgb frames"))
_NOTES = frozenset(
    _words(
        "annotation annotations annots labels label gt groundtruth bbox bboxes imagesets keypoints captions"
    )
)
_PERHAPS_NOTES = frozenset(_words("mask masks segmentation segmentations depth depths"))
_BESIDE = frozenset(
    _words(  # what may stand beside one of these words
        "a jpg jpeg png tif xml txt json class object classes raw orig original resized semantic instance "
        "instances label labels train val test all trainvaltest left right bit fine coarse align aligned"
    )
)
_NO_DATA = frozenset(
    ["__macosx", "@eadir", "lost+found", "$recycle.bin", "system volume information", "__pycache__"]
)
_ASIDE = frozenset(
    _words(
        "doc docs documentation figures figs assets readme paper src code scripts notebooks tools logs log "
        "runs results output outputs tmp temp cache"
    )
)


def is_no_data(folder: str) -> bool:
    """Whether a system put a folder there, and nobody's data lies in it: `__MACOSX`."""
    return folder.lower() in _NO_DATA


def is_aside(folder: str) -> bool:
    """Whether a folder often lies beside data without being a part of it: `docs`."""
    return folder.lower() in _ASIDE


def role_of(folder: str) -> str | None:
    """Return what a folder is for, as its name says; None for what may be a class."""
    words = set(tokens(folder))
    if words == {"ground", "truth"} or words == {"bounding", "boxes"}:
        return NOTES
    if words & {"segmentation"} and words & {"class", "object"} and len(words) == 2:
        return NOTES
    for role, of_role in (
        (NOTES, _NOTES),
        (PERHAPS_NOTES, _PERHAPS_NOTES),
        (PICTURES, _PICTURES),
        (PERHAPS_PICTURES, _PERHAPS_PICTURES),
    ):
        if words & of_role and all(_is_weak(word) for word in words - of_role):
            return role
    return None


def notes_among(folders: Iterable[str], *, pictures: bool, top: bool) -> set[str]:
    """Return the folders that hold no samples, only what is noted about those beside them.

    Parameters
    ----------
    pictures
        Whether pictures lie beside the folders.
    top
        Whether the folders lie in the root, so that one may be a class.
    """
    roles = {folder: role for folder in folders if (role := role_of(folder))}
    beside = PICTURES in roles.values() or PERHAPS_PICTURES in roles.values()
    perhaps = beside or (pictures and not top)
    others = [folder for folder in folders if roles.get(folder) not in {NOTES, PERHAPS_NOTES}]
    if not others and not pictures:
        return set()
    return {folder for folder, role in roles.items() if role == NOTES or (role == PERHAPS_NOTES and perhaps)}


def _is_weak(word: str) -> bool:
    return word in _BESIDE or word in _PICTURES or word.isdigit() or len(word) == 1
