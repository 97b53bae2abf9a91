"""What scorers need of a network itself: the column that has it, by the name of the parameter."""

from __future__ import annotations

from prune.proxy.deepfool_column import boundary_distances
from prune.proxy.grad_norm_column import grad_norms
from prune.proxy.network_columns import NetworkColumn

NETWORK_NEEDS: dict[str, NetworkColumn] = {"gradient": grad_norms, "boundary": boundary_distances}
