"""The names of all methods, without loading them: for completion, and for what somebody may have meant.

The tables of the families are what counts; a test compares.
"""

from __future__ import annotations

SELECTORS = (
    *("random", "top", "bottom", "window", "stratified", "beta", "gumbel", "moderate", "kcenter"),
    *("facility_location", "craig", "d2", "prototypes", "kmeans", "semdedup", "gio", "contextual_diversity"),
    *("zcore", "gradmatch", "glister", "graph_cut", "saturated_coverage", "log_det", "disparity_min"),
    *("disparity_sum", "sum_redundancy", "feature_based", "herding"),
)
SCORES = (
    *("el2n", "grad_norm", "grad_norm_last", "forgetting", "aum", "confidence", "entropy", "margin", "loss"),
    *("dyn_unc", "tdds", "dual", "eva", "prototype", "class_median", "density", "cal", "deepfool"),
    "input_norm",
)
EXPORTERS = ("webdataset", "huggingface", "imagefolder", "parquet", "manifest")
READERS = ("imagefolder", "webdataset", "huggingface", "arrays", "jsonl")
ENCODERS = ("torchvision", "pixels", "precomputed")
PROXIES = ("resnet8", "resnet9", "resnet20", "lenet", "mlp", "linear")

FAMILIES = {
    "readers": READERS,
    "encoders": ENCODERS,
    "proxies": PROXIES,
    "scores": SCORES,
    "selectors": SELECTORS,
    "exporters": EXPORTERS,
}

# Of the models that torchvision has, those that people name most.
MODELS = (
    *("resnet18", "resnet50", "resnet101", "convnext_tiny", "convnext_base", "efficientnet_b0"),
    *("mobilenet_v3_small", "vit_b_16", "swin_t", "regnet_y_400mf"),
)
QUOTAS = ("none", "proportional", "equal", "drop")
