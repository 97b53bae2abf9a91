"""One file per scorer: a plain function of store columns. Listed here or it does not exist."""

from prune.methods import Method, table
from prune.scorers.aum import aum
from prune.scorers.confidence import confidence
from prune.scorers.el2n import el2n
from prune.scorers.entropy import entropy
from prune.scorers.forgetting import forgetting, never_learned
from prune.scorers.grad_norm import grad_norm
from prune.scorers.grad_norm_last import grad_norm_last
from prune.scorers.imported import imported_scores
from prune.scorers.input_norm import input_norm
from prune.scorers.loss import loss
from prune.scorers.margin import margin

SCORERS = table(
    Method(el2n, high="hard"),
    Method(grad_norm, high="hard"),
    Method(grad_norm_last, high="hard"),
    Method(forgetting, high="hard", flag=never_learned),
    Method(aum, high="easy"),
    Method(confidence, high="easy"),
    Method(entropy, high="hard"),
    Method(margin, high="easy"),
    Method(loss, high="hard"),
    Method(input_norm, rowwise=True),
)

__all__ = ["SCORERS", "imported_scores"]
