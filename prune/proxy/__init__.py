"""Train a small network once, and keep what it shows about every sample."""

from prune.proxy.apply import Trained, apply_proxy
from prune.proxy.cache import cache_images, images_recipe
from prune.proxy.config import Training
from prune.proxy.gradients import gradient_norms
from prune.proxy.models import PROXIES, require_known
from prune.proxy.run import run_proxy, trace_recipe
from prune.proxy.score_gradients import grad_norms
from prune.proxy.trace import FACTS, Trace, facts

__all__ = [
    "FACTS",
    "PROXIES",
    "Trace",
    "Trained",
    "Training",
    "apply_proxy",
    "cache_images",
    "facts",
    "grad_norms",
    "gradient_norms",
    "images_recipe",
    "require_known",
    "run_proxy",
    "trace_recipe",
]
