"""Selection -> dataset, in the form that the trainer already reads."""

from prune.core.method_rows import Exporter
from prune.core.methods import table
from prune.exporters.csv import FORM as CSV
from prune.exporters.csv import csv
from prune.exporters.dali import dali
from prune.exporters.datacomp import datacomp
from prune.exporters.dolma import dolma
from prune.exporters.energon import energon
from prune.exporters.export import Exported, export
from prune.exporters.huggingface import huggingface
from prune.exporters.imagefolder import imagefolder
from prune.exporters.job import ExportJob
from prune.exporters.json import FORM as JSON
from prune.exporters.json import json
from prune.exporters.jsonl import FORM as JSONL
from prune.exporters.jsonl import jsonl
from prune.exporters.manifest import manifest
from prune.exporters.parquet import parquet
from prune.exporters.schedule import schedule
from prune.exporters.staging.folder import StagingFolder, open_folder
from prune.exporters.txt import FORM as TXT
from prune.exporters.txt import txt
from prune.exporters.webdataset import webdataset, write_shards
from prune.exporters.wids import wids

EXPORTERS = table(
    Exporter(webdataset, modalities=("image", "text"), weights_from=("webdataset",), unit=write_shards),
    Exporter(huggingface, modalities=("image", "text"), tables=True, weights_from=("huggingface",)),
    Exporter(imagefolder, modalities=("image",), folders_are_classes=True, copies_files=True),
    Exporter(parquet, modalities=("image", "text"), tables=True, weights_from=("huggingface",)),
    Exporter(jsonl, modalities=("text",), one_file=JSONL.file_suffix),
    Exporter(json, modalities=("text",), one_file=JSON.file_suffix),
    Exporter(csv, modalities=("text",), one_file=CSV.file_suffix),
    Exporter(txt, modalities=("text",), one_file=TXT.file_suffix),
    Exporter(dolma, modalities=("text",)),
    Exporter(schedule, by_epoch=True),
    Exporter(manifest),
    Exporter(dali),
    Exporter(energon),
    Exporter(wids),
    Exporter(datacomp),
)

__all__ = ["EXPORTERS", "ExportJob", "Exported", "StagingFolder", "export", "open_folder"]
