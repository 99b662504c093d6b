"""A team's own kinds of model that break where nobody expects it: when they are loaded, when they are asked why."""

from dataclasses import replace

import numpy as np

from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.bundle import Bundle
from fraud_detection_api.model.kinds.kind import ModelKind
from fraud_detection_api.model.runtimes import Contributions, Probabilities
from fraud_detection_api.schemas.learning import Supervised
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS

NAMES = tuple(f"tests.services.failing_kinds:{name}" for name in ("UNLOADABLE", "UNEXPLAINED"))


class Unexplained:
    """Scores, and has no idea why."""

    is_quick = True

    def probabilities(self, matrix: Matrix) -> Probabilities:
        """Everything is likely."""
        return np.ones(len(matrix), dtype=np.float32)

    def contributions(self, matrix: Matrix) -> Contributions:
        """Not what a runtime raises."""
        raise KeyError(str(matrix[0, 0]))


def _unloadable(bundle: Bundle) -> Unexplained:
    raise KeyError(bundle.version)


UNLOADABLE = ModelKind(name=NAMES[0], words="unloadable", load=_unloadable)
UNEXPLAINED = ModelKind(name=NAMES[1], words="unexplained", load=lambda _: Unexplained())
ACCOUNTS = replace(CREDIT_ACCOUNTS, learning=Supervised(label="is_fraud", models=NAMES))
