"""One file per selector: a plain function of a space, scores or keys. Listed here or it does not exist."""

from prune.core.method_rows import Selector
from prune.core.methods import table
from prune.selectors.beta import beta
from prune.selectors.contextual_diversity import contextual_diversity, plan_of_contextual_diversity
from prune.selectors.craig import craig, plan_of_craig
from prune.selectors.d2 import d2, plan_of_d2
from prune.selectors.disparity_min import disparity_min, plan_of_disparity_min
from prune.selectors.disparity_sum import disparity_sum, plan_of_disparity_sum
from prune.selectors.facility_location import facility_location, plan_of_facility_location
from prune.selectors.feature_based import feature_based, plan_of_feature_based
from prune.selectors.gio import gio, plan_of_gio
from prune.selectors.glister import glister, plan_of_glister
from prune.selectors.gradmatch import gradmatch, plan_of_gradmatch
from prune.selectors.graph_cut import graph_cut, plan_of_graph_cut
from prune.selectors.gumbel import gumbel
from prune.selectors.herding import herding, plan_of_herding
from prune.selectors.kcenter import kcenter, plan_of_kcenter
from prune.selectors.kmeans import kmeans, plan_of_kmeans
from prune.selectors.log_det import log_det, plan_of_log_det
from prune.selectors.moderate import moderate
from prune.selectors.prototypes import plan_of_prototypes, prototypes
from prune.selectors.random import random
from prune.selectors.saturated_coverage import plan_of_saturated_coverage, saturated_coverage
from prune.selectors.semdedup import plan_of_semdedup, semdedup
from prune.selectors.stratified import ONE_FOR_ALL, stratified
from prune.selectors.sum_redundancy import plan_of_sum_redundancy, sum_redundancy
from prune.selectors.top import bottom, top
from prune.selectors.window import window
from prune.selectors.zcore import plan_of_zcore, zcore

SELECTORS = table(
    Selector(random),
    Selector(top, takes_only="high", turned="--method bottom"),
    Selector(bottom, takes_only="low"),
    Selector(window),
    Selector(stratified, nested=False, caution_if_uneven=ONE_FOR_ALL),
    Selector(beta, nested=False, score="dual"),
    Selector(gumbel, turned="--set tau=-1"),
    Selector(moderate, quota="proportional", score="class_median"),
    Selector(kcenter, plan=plan_of_kcenter, spent=True),
    Selector(facility_location, plan=plan_of_facility_location, spent=True),
    Selector(craig, plan=plan_of_craig, quota="proportional", on="gradients", weighted=True),
    Selector(d2, plan=plan_of_d2),
    Selector(prototypes, plan=plan_of_prototypes),
    Selector(kmeans, plan=plan_of_kmeans),
    Selector(semdedup, plan=plan_of_semdedup, sizes=True),
    Selector(gio, plan=plan_of_gio, sizes=True),
    Selector(contextual_diversity, plan=plan_of_contextual_diversity, spent=True),
    Selector(zcore, plan=plan_of_zcore),
    Selector(gradmatch, plan=plan_of_gradmatch, quota="proportional", on="gradients", weighted=True),
    Selector(glister, plan=plan_of_glister, on="gradients"),
    Selector(graph_cut, plan=plan_of_graph_cut),
    Selector(saturated_coverage, plan=plan_of_saturated_coverage, spent=True),
    Selector(log_det, plan=plan_of_log_det),
    Selector(disparity_min, plan=plan_of_disparity_min, spent=True),
    Selector(disparity_sum, plan=plan_of_disparity_sum),
    Selector(sum_redundancy, plan=plan_of_sum_redundancy),
    Selector(feature_based, plan=plan_of_feature_based),
    Selector(herding, plan=plan_of_herding),
)
