"""One file per selector: a plain function of a space, scores or keys. Listed here or it does not exist."""

from prune.core.method_rows import Selector
from prune.core.methods import table
from prune.selectors.beta import beta
from prune.selectors.contextual_diversity import contextual_diversity, plan_of_contextual_diversity
from prune.selectors.craig import craig, plan_of_craig
from prune.selectors.d2 import d2, plan_of_d2
from prune.selectors.disparity_min import disparity_min, plan_of_disparity_min
from prune.selectors.disparity_sum import disparity_sum, plan_of_disparity_sum
from prune.selectors.dsir import dsir
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
from prune.selectors.minhash import minhash, plan_of_minhash
from prune.selectors.moderate import moderate
from prune.selectors.normsim import normsim, plan_of_normsim
from prune.selectors.prototypes import plan_of_prototypes, prototypes
from prune.selectors.random import random
from prune.selectors.round_robin import plan_of_round_robin, round_robin
from prune.selectors.saturated_coverage import plan_of_saturated_coverage, saturated_coverage
from prune.selectors.semdedup import plan_of_semdedup, semdedup
from prune.selectors.stratified import ONE_FOR_ALL, stratified
from prune.selectors.sum_redundancy import plan_of_sum_redundancy, sum_redundancy
from prune.selectors.top import bottom, top
from prune.selectors.window import window
from prune.selectors.zcore import plan_of_zcore, zcore

_OF_SUBMODULAR = (
    "(1 - 1/e)/3 of the best value in expectation, as far as a partition stands for all samples "
    "(Mirrokni & Zadimoghaddam 2015)"
)

SELECTORS = table(
    Selector(random, missed="it was not drawn"),
    Selector(
        top,
        takes_only="high",
        turned="--method bottom",
        missed="its {score}, {value}, is not above {last}, that of the last one taken",
    ),
    Selector(
        bottom,
        takes_only="low",
        missed="its {score}, {value}, is not below {last}, that of the last one taken",
    ),
    Selector(window, missed="its {score}, {value}, has no place among those taken, from {low} to {high}"),
    Selector(
        stratified,
        nested=False,
        caution_if_uneven=ONE_FOR_ALL,
        missed="others were drawn from its stratum of {score}",
    ),
    Selector(
        beta,
        nested=False,
        score="dual",
        missed="it was not drawn, by odds that its {score}, {value}, and its easiness give",
    ),
    Selector(
        gumbel, turned="--set tau=-1", missed="it was not drawn, by odds that its {score}, {value}, gives"
    ),
    Selector(
        moderate,
        quota="proportional",
        score="class_median",
        missed="its {score}, {value}, is no nearer to the median than that of the last one taken",
    ),
    Selector(
        kcenter,
        plan=plan_of_kcenter,
        partitioned="the covering radius is at most {times} times the best, measured on all samples",
        corrected=True,
        spent=True,
        missed="it lies no farther from those taken before than the last one taken",
    ),
    Selector(
        facility_location,
        plan=plan_of_facility_location,
        partitioned=_OF_SUBMODULAR,
        spent=True,
        missed="it and those like it are represented by others, and others add more",
    ),
    Selector(
        craig,
        plan=plan_of_craig,
        partitioned=_OF_SUBMODULAR,
        quota="proportional",
        on="gradients",
        weighted=True,
        missed="its gradient is represented by others, and others add more",
    ),
    Selector(
        d2,
        plan=plan_of_d2,
        missed="its {score}, with those of neighbours and less what was taken near it, is below others",
    ),
    Selector(
        prototypes,
        plan=plan_of_prototypes,
        missed="others of its cluster lie nearer to the centroid, or farther where those were asked for",
    ),
    Selector(kmeans, plan=plan_of_kmeans, missed="others have the share of its cluster"),
    Selector(
        semdedup, plan=plan_of_semdedup, sized_by=("eps",), missed="others are less redundant than it is"
    ),
    Selector(
        minhash,
        plan=plan_of_minhash,
        sized_by=("threshold",),
        otherwise="semdedup",
        missed="others are less redundant than it is",
    ),
    Selector(
        gio,
        plan=plan_of_gio,
        sized_by=("stop", "min_kl", "min_difference", "tolerance", "resets", "data_size"),
        missed="others bring what is kept nearer to the target",
    ),
    Selector(
        dsir, otherwise="normsim", missed="it was not drawn, by odds that its words give beside the target's"
    ),
    Selector(
        normsim,
        plan=plan_of_normsim,
        missed="it is no more like the target than the last one taken",
    ),
    Selector(
        round_robin,
        plan=plan_of_round_robin,
        missed="no sample of the target had it first among what was left, when it had its turn",
    ),
    Selector(
        contextual_diversity,
        plan=plan_of_contextual_diversity,
        spent=True,
        missed="its prediction lies no farther from those taken before than that of the last one taken",
    ),
    Selector(
        zcore,
        plan=plan_of_zcore,
        missed="others lie nearest to more of the random points, or are less redundant",
    ),
    Selector(
        gradmatch,
        plan=plan_of_gradmatch,
        quota="proportional",
        on="gradients",
        weighted=True,
        missed="others bring the sum of the gradients nearer to that of all",
    ),
    Selector(
        glister, plan=plan_of_glister, on="gradients", missed="others lower the loss of the target by more"
    ),
    Selector(
        graph_cut, plan=plan_of_graph_cut, missed="others are more like all samples, or less like those taken"
    ),
    Selector(
        saturated_coverage,
        plan=plan_of_saturated_coverage,
        spent=True,
        missed="it and those like it have their share of what is kept, and others add more",
    ),
    Selector(log_det, plan=plan_of_log_det, missed="others add more volume to what is kept"),
    Selector(
        disparity_min,
        plan=plan_of_disparity_min,
        spent=True,
        missed="it lies no farther from those taken before than the last one taken",
    ),
    Selector(
        disparity_sum,
        plan=plan_of_disparity_sum,
        missed="others lie farther, in sum, from those taken before",
    ),
    Selector(sum_redundancy, plan=plan_of_sum_redundancy, missed="others are less like those taken before"),
    Selector(feature_based, plan=plan_of_feature_based, missed="others add more of what there is little of"),
    Selector(
        herding, plan=plan_of_herding, missed="others bring the mean of what is kept nearer to that of all"
    ),
)
