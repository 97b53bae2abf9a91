"""Train a small network once, and keep what it shows about every sample."""

from prune.proxy.apply_to_dataset import TrainedProxy, apply_proxy
from prune.proxy.cache import cache_images, images_recipe
from prune.proxy.config import Training
from prune.proxy.deepfool_column import boundary_distances
from prune.proxy.folds import join_folds
from prune.proxy.grad_norm_column import grad_norms
from prune.proxy.grown_trace import GrownPlace, GrownTrace, TraceBefore, digests_of, grown_rows, learnt_before
from prune.proxy.held_out import held_out_probs
from prune.proxy.models import PROXIES, require_known
from prune.proxy.network_needs import NETWORK_NEEDS
from prune.proxy.ngram_cache import cache_ngrams, cut_texts
from prune.proxy.remaining_work import Planned, planned, reasons
from prune.proxy.run import GROWN, Proxy, run_proxies, run_proxy, trace_recipe, training_cost
from prune.proxy.sample_grad_norms import gradient_norms
from prune.proxy.stopped_training import train_until
from prune.proxy.trace import FACTS, Trace, facts
from prune.proxy.training_subsets import (
    CONTROL,
    Share,
    control_of,
    drawn_again,
    folds_of,
    part_of,
    share_like,
)

__all__ = [
    "CONTROL",
    "FACTS",
    "GROWN",
    "NETWORK_NEEDS",
    "PROXIES",
    "GrownPlace",
    "GrownTrace",
    "Planned",
    "Proxy",
    "Share",
    "Trace",
    "TraceBefore",
    "TrainedProxy",
    "Training",
    "apply_proxy",
    "boundary_distances",
    "cache_images",
    "cache_ngrams",
    "control_of",
    "cut_texts",
    "digests_of",
    "drawn_again",
    "facts",
    "folds_of",
    "grad_norms",
    "gradient_norms",
    "grown_rows",
    "held_out_probs",
    "images_recipe",
    "join_folds",
    "learnt_before",
    "part_of",
    "planned",
    "reasons",
    "require_known",
    "run_proxies",
    "run_proxy",
    "share_like",
    "trace_recipe",
    "train_until",
    "training_cost",
]
