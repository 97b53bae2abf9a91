"""An export sent to a bucket: made here first, then sent, what describes it last.

Before any file goes, `upload.json` says which will: a command that is run again knows by it what is its own,
goes on with the rest, and removes what no export lists. As long as it lies there, there is no export.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prune.core.errors import OutputError
from prune.core.progress import Reporter
from prune.exporters.place import DOT, beside, described, located
from prune.exporters.staging.existing_export import read_export
from prune.system import files, locks
from prune.system.object_stores import claims, mirror, remote_object, requests, uploads
from prune.system.object_stores.listing import UNFINISHED, require_plain
from prune.system.object_stores.mirror import ObjectFacts

_DESCRIPTION, _PLAN = "export.json", UNFINISHED
_HOLDER = ".holder"  # who makes an export here, beside it
_ELSEWHERE = "choose another place with --out"


@dataclass(frozen=True)
class BucketPlace:
    """Where an export goes to, and what lies there now, by name relative to the folder above."""

    address: str
    found: Mapping[str, ObjectFacts]

    @classmethod
    def look(cls, address: str) -> BucketPlace:
        """List what lies at the address.

        Raises
        ------
        OptionError
            Such a store takes no files.
        OutputError
            Objects that prune did not write lie there.
        """
        require_plain(address)
        uploads.require_takes_files(address)
        place = cls(address.rstrip("/"), _listed(address.rstrip("/")))
        place.require_ours()
        return place

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.address.rpartition("/")[2]

    def at(self, name: str) -> str:
        """Return the address of a file."""
        return f"{self.address.rpartition('/')[0]}/{name}"

    def _described_by(self, file: str) -> Iterator[str]:
        names = (f"{self.name}/{DOT}/{file}", f"{self.name}.prune/{file}")
        yield from (name for name in names if name in self.found)

    def said(self, file: str) -> dict[str, Any] | None:
        """Return what the description of an export, or a plan, says; None where there is none."""
        name = next(self._described_by(file), None)
        if name is None:
            return None
        with contextlib.suppress(ValueError):
            held: dict[str, Any] = json.loads(uploads.read_small(self.at(name), self.found[name]))
            if isinstance(held.get("files"), dict):
                return held
        raise OutputError(f"{self.at(name)} is damaged", f"move {self.address} away; or {_ELSEWHERE}")

    def own(self) -> set[str]:
        """Return the names of what prune wrote here, or had begun to write."""
        own = {name for file in (_DESCRIPTION, _PLAN) for name in self._described_by(file)}
        export, plan = self.said(_DESCRIPTION), self.said(_PLAN)
        if export is not None:
            apart = f"{self.name}.prune/{_DESCRIPTION}" in self.found
            own |= {self._place_of(name, apart=apart) for name in export["files"]}
        return own if plan is None else own | set(plan["files"]) | set(plan.get("earlier", []))

    def _place_of(self, name: str, *, apart: bool) -> str:
        rest = name.removeprefix(f"{DOT}/")
        if apart and rest != name:
            return f"{self.name}.prune/{rest}"
        return self.name if name == ".prune-file" else f"{self.name}/{name}"

    def require_ours(self) -> None:
        """Raise `OutputError` for the first object that prune did not write."""
        own = self.own()
        strange = sorted(set(self.found) - own)
        if not strange:
            return
        if own:
            what = f"{self.address} holds {strange[0]!r}, which prune did not write"
            raise OutputError(what, f"move it away, or {_ELSEWHERE}")
        raise OutputError(f"{self.address} exists and is not a prune export", _ELSEWHERE)

    def claim(self, plan: str, said: Mapping[str, Any]) -> ObjectFacts:
        """Write a plan; raise `OutputError` where another command has sent something since this looked."""
        mine = claims.claim(files.json_bytes(said), self.at(plan), self.found.get(plan))
        if mine is None:
            raise self._taken()
        if _listed(self.address) | {plan: mine} != {**self.found, plan: mine}:  # one was done in between
            self.release(plan, mine)
            raise self._taken()
        return mine

    def require_alone(self, plan: str, mine: ObjectFacts) -> None:
        """Raise `OutputError` where another command, on whatever machine, has begun to send here since."""
        if uploads.look(self.at(plan)) != mine:
            raise self._taken()

    def release(self, plan: str, mine: ObjectFacts) -> None:
        """Remove the plan, with which the export is there; raise `OutputError` where it is another's."""
        if not claims.release(self.at(plan), mine):
            raise self._taken()

    def _taken(self) -> OutputError:
        what = f"another command is sending an export to {self.address}"
        return OutputError(what, f"run this one again when that is done, or {_ELSEWHERE}")

    def require_apart(self, sources: Iterable[Path]) -> None:
        """Raise `OutputError` where the dataset lies that is exported: it would be lost, or grow."""
        out = mirror.path_of(self.address)
        for source in sources:
            if out.is_relative_to(source) or source.is_relative_to(out):
                what = f"{self.address} is the dataset {mirror.address_of(source)}, lies in it or holds it"
                raise OutputError(what, _ELSEWHERE)

    def holds(self, identity: str, sizes: Mapping[str, int], *, overwrite: bool) -> bool:
        """Say whether this very export is there; raise `OutputError` where another one has to stay."""
        export = self.said(_DESCRIPTION)
        if export is None or self.said(_PLAN) is not None:
            return False
        if export.get("identity") == identity:
            return all(name in self.found and self.found[name].size == size for name, size in sizes.items())
        if not overwrite:
            what = f"{self.address} holds another export"
            raise OutputError(what, "add --overwrite to replace it, or choose another --out")
        return False


def _listed(address: str) -> dict[str, ObjectFacts]:
    """Return all that lies at an address, and what describes it beside it."""
    above = len(address.rpartition("/")[0]) + 1
    found = dict(requests.listed(f"{address}/")) | dict(requests.listed(f"{address}.prune/"))
    single = requests.look_up(address)
    found |= {address: single} if single is not None else {}
    return {name[above:]: facts for name, facts in found.items()}


def stage_of(address: str) -> Path:
    """Return where an export is made before it is sent."""
    address = address.rstrip("/")
    folder = hashlib.sha256(address.encode()).hexdigest()[:16]
    return mirror.cache_home() / "exports" / folder / address.rpartition("/")[2]


@contextlib.contextmanager
def alone(address: str, wait: Callable[[str], None] | None) -> Iterator[Path]:
    """Hold an address against other commands of this machine; yield where the export is made first.

    Raises
    ------
    StoreError
        Another command exports to it, and `wait` is None.
    """
    stage = stage_of(address)
    remote_object.cache_at(mirror.cache_home()).make_room()
    folder = stage.parent
    holder = folder / _HOLDER

    def opened() -> int:
        files.make_folder(folder)
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    fd = locks.opened(opened, folder, address, lambda _: holder.read_bytes(), wait)
    try:
        files.write_unsynced(holder, locks.mark())
        yield stage
    finally:
        os.close(fd)


def publish(out: Path, place: BucketPlace, reporter: Reporter, *, overwrite: bool) -> bool:
    """Send the export at `out`; return False where this very one was there already.

    Raises
    ------
    OutputError
        Another export is there, or the store does not take it.
    """
    export = read_export(out)
    assert export is not None
    local = {_name_of(path, out): path for path in _files_of(out)}
    last = _name_of(located(out, f"{DOT}/{_DESCRIPTION}"), out)
    sizes = {name: path.stat().st_size for name, path in local.items()}
    if place.holds(export["identity"], sizes, overwrite=overwrite):
        return False
    plan = last.removesuffix(_DESCRIPTION) + _PLAN
    before = (place.own() & place.found.keys()) - {plan}  # whatever a description says: only what lies there
    begun = place.said(_PLAN) or {}
    resumed = begun.get("identity") == export["identity"]
    if begun and not resumed:
        reporter.say(f"an upload to {place.address} was begun and not finished: this export replaces it")
    said = {"identity": export["identity"], "files": sizes, "earlier": sorted(before - set(local))}
    mine = place.claim(plan, {**said, "sender": secrets.token_hex(8)})
    for name in place.found:
        if name.endswith(f"/{_DESCRIPTION}") and name in before:  # from here on there is no export
            uploads.remove(place.at(name))
    if begun:
        uploads.end_unfinished(place.address, map(place.at, local.keys() | begun["files"].keys()))
    with reporter.stage("upload", len(local), "files") as advance:
        for name in sorted(local.keys() - {last}):
            place.require_alone(plan, mine)
            if not (resumed and uploads.is_sent(local[name], place.found.get(name))):
                uploads.send(local[name], place.at(name))
            advance(1)
        late = _listed(place.address).keys() & begun["files"].keys() if begun else set()  # as it was replaced
        for name in sorted((before | late) - local.keys()):
            uploads.remove(place.at(name))
        place.require_alone(plan, mine)
        uploads.send(local[last], place.at(last))
        advance(1)
    place.release(plan, mine)
    return True


def _files_of(out: Path) -> Iterator[Path]:
    for root in (out, beside(out)) if described(out) == beside(out) else (out,):
        yield from [root] if root.is_file() else (path for path in root.rglob("*") if path.is_file())


def _name_of(path: Path, out: Path) -> str:
    return path.relative_to(out.parent).as_posix()
