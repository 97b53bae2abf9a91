"""Exports on the Hugging Face hub: sent as one commit, so that nobody reads a half of one.

Files go up before the commit, and what is there already is not sent again: an interrupted push leaves nothing
to be seen, and the same command goes on. Of an earlier push those files go that this one no longer has; a
card that was edited there stays; files that prune did not send are never touched. The token is the library's
business: it is neither read here nor kept.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune.core.errors import OptionError, OutputError
from prune.core.progress import Reporter
from prune.core.safe_text import one_line
from prune.exporters.card import NAME as CARD
from prune.exporters.place import DOT, EXPORT, located
from prune.exporters.staging.existing_export import read_export

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    CommitOperation = CommitOperationAdd | CommitOperationDelete

MOST_FILES = 10_000  # of one commit
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_LOG_IN = "hf auth login, or set HF_TOKEN, and type the same again: what was sent is not sent again"


def require_hub(repo: str) -> None:
    """Raise `OptionError` where nothing can be pushed: the name is none, or the library is not there."""
    if not _NAME.fullmatch(repo) or "--" in repo or ".." in repo:
        raise OptionError(f"--push {repo!r} names no dataset of a hub", "--push USER/NAME")
    try:
        import huggingface_hub  # noqa: F401
    except ImportError as error:
        raise OptionError(
            "--push needs huggingface_hub, which is not installed", 'pip install "dataset-prune[hub]"'
        ) from error


def push(out: Path, repo: str, reporter: Reporter) -> dict[str, Any]:
    """Send a finished export to a dataset of the hub, which is made if it is not there, for nobody to see.

    Returns
    -------
    dict
        repo, files, commit.

    Raises
    ------
    OptionError
        It has more files than one commit takes.
    OutputError
        The hub cannot be reached or refuses, or holds files of others there.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    failed: tuple[Any, ...] = (HfHubHTTPError.__bases__[0], OSError)  # the first: of whichever transport
    export = read_export(out)
    assert export is not None, "what was just written is an export"
    names = [*sorted(export["files"]), EXPORT]
    if len(names) > MOST_FILES:
        raise OptionError(
            f"{out} has {len(names):,} files, and one commit takes {MOST_FILES:,}",
            "--format parquet, or webdataset, has fewer",
        )
    try:
        with reporter.stage("push", len(names)) as advance:
            commit = _commit(HfApi(library_name="dataset-prune"), repo, out, names, export, reporter)
            advance(len(names))
    except HFValidationError as error:
        raise OptionError(f"--push {repo}: {one_line(error, 300)}", "--push USER/NAME") from error
    except failed as error:
        raise OutputError(f"cannot push to {repo}: {one_line(error, 300)}", _LOG_IN) from error
    return {"repo": repo, "files": len(names), "commit": commit}


def _commit(
    api: HfApi, repo: str, out: Path, names: list[str], export: Mapping[str, Any], reporter: Reporter
) -> str:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    api.create_repo(repo, repo_type="dataset", private=True, exist_ok=True)
    head = str(api.dataset_info(repo).sha)  # all below is about this state, or there is no commit
    there = set(api.list_repo_files(repo, repo_type="dataset", revision=head))
    before = _earlier(api, repo, head, there)
    own = {*before, EXPORT, CARD, ".gitattributes"}
    if theirs := sorted(there & set(names) - own):
        what = f"{repo} holds {theirs[0]}, which prune did not push, and this export has one of that name"
        raise OutputError(what, "--push USER/ANOTHER-NAME; or rename it on the hub")
    gone = sorted((set(before) | ({EXPORT} if before else set())) & there - set(names))
    if CARD in there and CARD in names and _is_edited(api, repo, head, before):
        reporter.say(f"the card of {repo} was edited, and stays as it is")
        names = [name for name in names if name != CARD]
    operations: list[CommitOperation] = [CommitOperationAdd(name, str(located(out, name))) for name in names]
    operations += [CommitOperationDelete(name) for name in gone]
    message = f"{export['n']:,} samples, by prune"
    done = api.create_commit(
        repo, operations, commit_message=message, repo_type="dataset", parent_commit=head
    )
    return str(done.oid)


def _earlier(api: HfApi, repo: str, head: str, there: set[str]) -> dict[str, Any]:
    """Return the files of an earlier push, with size and SHA-256 each; nothing of an empty dataset."""
    if EXPORT in there:
        listed: dict[str, Any] = json.loads(_fetched(api, repo, head, EXPORT))["files"]
        return listed
    others = sorted(name for name in there if name not in {".gitattributes", CARD})
    if others:
        raise OutputError(
            f"{repo} holds files that prune did not push, such as {others[0]}", "--push USER/ANOTHER-NAME"
        )
    return {}


def _is_edited(api: HfApi, repo: str, head: str, before: Mapping[str, Any]) -> bool:
    """Whether a card is another than the one that was pushed."""
    there = hashlib.sha256(_fetched(api, repo, head, CARD)).hexdigest()
    return there != before.get(CARD, {}).get("sha256")


def _fetched(api: HfApi, repo: str, head: str, name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = api.hf_hub_download(repo, name, repo_type="dataset", revision=head, local_dir=folder)
        return Path(path).read_bytes()


assert EXPORT.startswith(DOT)  # readers of hubs pass over what is hidden
