"""What samples carry as members of shards: files as they are, columns as JSON, a caption as text, too."""

from __future__ import annotations

import re

import pyarrow as pa

from prune.exporters.carried_fields import bytes_in, extensions_beside, has_bytes, json_text
from prune.exporters.carried_form import Carried, CarriedForm, caption_of, form_of
from prune.exporters.job import ExportJob
from prune.exporters.table_files import source_schema
from prune.exporters.weights import free_name
from prune.modalities.image import suffix_of
from prune.readers.huggingface import HuggingFace

_JSON, _TEXT = ("json", "metadata.json"), "txt"


def member_form(job: ExportJob) -> CarriedForm:
    """Return how what the samples carry stands in shards that are made of them."""
    if "members" not in job.memo:
        beside = extensions_beside(job) | ({_TEXT} if job.reader.modality == "text" else set())
        holder = next((name for name in _JSON if name not in beside), None)
        caption = "" if _TEXT in beside else _TEXT
        job.memo["members"] = CarriedForm(
            members=_byte_columns(job, beside), holder=holder or free_name(_JSON[0], beside), caption=caption
        )
    found: CarriedForm = job.memo["members"]
    return found


def members_for(more: Carried, form: CarriedForm) -> dict[str, bytes]:
    """Return what a sample carries as members, by their extensions."""
    members = {name.lower(): data for name, data in more.files.items()}
    plain = {name: value for name, value in more.columns.items() if not has_bytes(value)}
    if any(value is not None for value in plain.values()):
        members[form.holder] = json_text(plain)
    caption = caption_of(plain)
    if caption is not None:
        members.setdefault(_TEXT, caption)
    stems = {column: stem for stem, (column, _) in form.members.items()}
    for name, value in more.columns.items():
        data = bytes_in(value)
        if data is not None:
            members.setdefault(f"{stems.get(name) or _stem(name)}.{suffix_of(data)}", data)
    return members


def _byte_columns(job: ExportJob, beside: set[str]) -> dict[str, tuple[str, str]]:
    """Return the columns of a table that hold bytes or an image, by what their members are called."""
    reader = job.reader
    found: dict[str, tuple[str, str]] = {}
    if not isinstance(reader, HuggingFace):
        return found
    form, taken = form_of(job), {extension.rpartition(".")[0] for extension in beside}
    for shard, _ in job.by_shard():
        for field in source_schema(reader.root / shard):
            own = form.columns.get(field.name, (field.name, ""))[0]
            known = {*reader.payload_columns, *form.files, *(column for column, _ in found.values())}
            image = pa.types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0
            plain = pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type)
            if (image or plain) and not known & {field.name, own}:
                stem = free_name(_stem(own), taken)
                found[stem] = own, "image" if image else "binary"
                taken.add(stem)
    return found


def _stem(name: str) -> str:
    return _EXTENSION.sub("_", name.lower())


_EXTENSION = re.compile(r"[^a-z0-9_-]+")
