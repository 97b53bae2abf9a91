"""Selection -> dataset, in the form that the trainer already reads."""

from prune.core.methods import Method, table
from prune.exporters.export import Exported, export
from prune.exporters.huggingface import huggingface
from prune.exporters.imagefolder import imagefolder
from prune.exporters.job import ExportJob
from prune.exporters.manifest import manifest
from prune.exporters.parquet import parquet
from prune.exporters.staging.folder import StagingFolder, open_folder
from prune.exporters.webdataset import webdataset

EXPORTERS = table(
    Method(webdataset),
    Method(huggingface),
    Method(imagefolder),
    Method(parquet),
    Method(manifest),
)
HOLDS = {name: {"image"} for name in EXPORTERS if name != "manifest"}
"""The modalities whose payloads a format can hold; one that is not listed holds none, and so takes all."""

__all__ = ["EXPORTERS", "HOLDS", "ExportJob", "Exported", "StagingFolder", "export", "open_folder"]
