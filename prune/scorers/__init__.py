"""One file per scorer: a plain function of store columns. Listed here or it does not exist."""

import math

from prune.core.method_rows import Scorer
from prune.core.methods import table
from prune.scorers.aum import aum
from prune.scorers.cal import cal
from prune.scorers.class_median import class_median
from prune.scorers.clip import clip
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
from prune.scorers.input_norm import NOT_LEARNED, input_norm
from prune.scorers.length import length
from prune.scorers.loss import loss
from prune.scorers.margin import margin
from prune.scorers.prototype import prototype
from prune.scorers.tdds import tdds

SCORERS = table(
    Scorer(el2n, high="hard", loses_beyond=math.sqrt(0.5), wrong_labels=0.916, version=2),
    Scorer(grad_norm, high="hard", wrong_labels=0.889),
    Scorer(grad_norm_last, high="hard", wrong_labels=0.875, version=2),
    Scorer(forgetting, high="hard", least_epochs=2, wrong_labels=0.841, flags={"never": never_learned}),
    Scorer(aum, high="easy", loses_beyond=0.0, wrong_labels=0.934, suspects=True),
    Scorer(confidence, high="easy", loses_beyond=0.5, wrong_labels=0.946, probability=True),
    Scorer(entropy, high="hard", looks_at_labels=False),
    Scorer(margin, high="easy", looks_at_labels=False),
    Scorer(loss, high="hard", loses_beyond=math.log(2), wrong_labels=0.946),
    Scorer(dyn_unc, high="uncertain", least_epochs=2),
    Scorer(tdds, high="uncertain", least_epochs=3, looks_at_labels=False),
    Scorer(dual, high="hard and uncertain", least_epochs=2),
    Scorer(eva, high="uncertain", least_epochs=4, windows=2, version=2),
    Scorer(prototype, high="atypical", looks_at_labels=False),
    Scorer(class_median, high="atypical"),
    Scorer(density, high="redundant", looks_at_labels=False),
    Scorer(cal, high="contrastive", looks_at_labels=False),
    Scorer(deepfool, high="easy", looks_at_labels=False),
    Scorer(input_norm, looks_at_labels=False, rowwise=True, caution=NOT_LEARNED),
    Scorer(length, high="long", looks_at_labels=False, rowwise=True),
    Scorer(clip, high="matching", looks_at_labels=False),
)

__all__ = ["SCORERS", "imported_scores"]
