"""One file per selector: a plain function of a space, scores or keys. Listed here or it does not exist."""

from prune.methods import Method, table
from prune.selectors.kcenter import kcenter, plan_of_kcenter
from prune.selectors.random import random
from prune.selectors.stratified import stratified
from prune.selectors.top import bottom, top
from prune.selectors.window import window

SELECTORS = table(
    Method(random),
    Method(top),
    Method(bottom),
    Method(window),
    Method(stratified, nested=False),
    Method(kcenter, plan=plan_of_kcenter),
)
