"""One file per scorer: a plain function of store columns. Listed here or it does not exist."""

from prune.core.methods import Method, table
from prune.scorers.aum import aum
from prune.scorers.cal import cal
from prune.scorers.class_median import class_median
from prune.scorers.confidence import confidence
from prune.scorers.deepfool import deepfool
from prune.scorers.density import density
from prune.scorers.dual import dual
from prune.scorers.dyn_unc import dyn_unc
from prune.scorers.el2n import el2n
from prune.scorers.entropy import entropy
from prune.scorers.eva import eva
from prune.scorers.forgetting import forgetting, never_learned
from prune.scorers.grad_norm import grad_norm
from prune.scorers.grad_norm_last import grad_norm_last
from prune.scorers.imported import imported_scores
from prune.scorers.input_norm import input_norm
from prune.scorers.loss import loss
from prune.scorers.margin import margin
from prune.scorers.prototype import prototype
from prune.scorers.tdds import tdds

SCORERS = table(
    Method(el2n, high="hard", version=2),
    Method(grad_norm, high="hard"),
    Method(grad_norm_last, version=2, high="hard"),
    Method(forgetting, high="hard", flag=never_learned),
    Method(aum, high="easy", suspects=True),
    Method(confidence, high="easy"),
    Method(entropy, high="hard"),
    Method(margin, high="easy"),
    Method(loss, high="hard"),
    Method(dyn_unc, high="uncertain"),
    Method(tdds, high="uncertain"),
    Method(dual, high="hard and uncertain"),
    Method(eva, high="uncertain", version=2),
    Method(prototype, high="atypical"),
    Method(class_median, high="atypical"),
    Method(density, high="redundant"),
    Method(cal, high="contrastive"),
    Method(deepfool, high="easy"),
    Method(input_norm, rowwise=True),
)

__all__ = ["SCORERS", "imported_scores"]
