"""Selection -> dataset, in the form that the trainer already reads."""

from prune.core.method_rows import Exporter
from prune.core.methods import table
from prune.exporters.export import Exported, export
from prune.exporters.huggingface import huggingface
from prune.exporters.imagefolder import imagefolder
from prune.exporters.job import ExportJob
from prune.exporters.manifest import manifest
from prune.exporters.parquet import parquet
from prune.exporters.staging.folder import StagingFolder, open_folder
from prune.exporters.webdataset import webdataset

EXPORTERS = table(
    Exporter(webdataset, modalities=("image",), weights_from=("webdataset",)),
    Exporter(huggingface, modalities=("image",), tables=True, weights_from=("huggingface",)),
    Exporter(imagefolder, modalities=("image",), folders_are_classes=True, copies_files=True),
    Exporter(parquet, modalities=("image",), tables=True, weights_from=("huggingface",)),
    Exporter(manifest),
)

__all__ = ["EXPORTERS", "ExportJob", "Exported", "StagingFolder", "export", "open_folder"]
