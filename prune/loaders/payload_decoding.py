"""From a payload to what a network is given: a picture, a text, features, or what the user makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prune.core.errors import DataError
from prune.loaders.selected import SelectedSamples
from prune.modalities.image.decode import decode
from prune.modalities.image.decode_settings import UnreadableImageError
from prune.steps.expected_modality import holds_features


class PayloadDecoding:
    """Decodes the payloads of a dataset, as the user asked for it.

    Parameters
    ----------
    how
        True: pictures as `prune.modalities.image.decode` does it. False: the payload. A function: its result.
    """

    def __init__(self, samples: SelectedSamples, how: bool | Callable[[Any], Any]) -> None:
        self._samples, self._how = samples, how
        self._pictures = samples.kept.modality == "image" and not holds_features(samples.reader)

    def __call__(self, payload: Any, position: int) -> Any:
        """Return what a payload holds.

        Raises
        ------
        DataError
            It is a picture that cannot be decoded; what a function of the user raises goes through.
        """
        if callable(self._how):
            return self._how(payload)
        if not (self._how and self._pictures):
            return payload
        try:
            return decode(payload, self._samples.decoding)
        except UnreadableImageError as error:
            key = self._samples.kept.samples["key"][position].as_py()
            raise DataError(
                f"{key} cannot be decoded: {error}",
                "prune embed --encoder pixels --on-error skip   # leaves it out; then select again",
            ) from error
