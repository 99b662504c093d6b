"""Trainers by name: those of the kinds of model, and one for every pipeline of scikit-learn."""

from collections.abc import Callable
from pkgutil import resolve_name
from typing import cast

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.model.kinds.kind import ModelKind
from fraud_detection_api.model.kinds.known import KINDS, kind_named
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import FitSettings
from fraud_detection_api.training.recipes import RECIPES
from fraud_detection_api.training.trained import Trainer

PIPELINES = "fraud_detection_api.training.pipeline_trainer:PipelineTrainer"
TRAINABLE = (*(kind.name for kind in KINDS if kind.trainer), *RECIPES)


def trainer_of(use_case: UseCase, name: str, settings: FitSettings) -> Trainer:
    """What trains the model that `--model` calls by this name."""
    kind = trained_kind(use_case, name)
    make = cast(Callable[[str, FitSettings], Trainer], resolve_name(kind.trainer if kind else PIPELINES))
    return make(name, settings)


def trained_kind(use_case: UseCase, name: str) -> ModelKind | None:
    """The kind with a trainer of its own; None for a pipeline of scikit-learn."""
    kind = kind_named(name, use_case)
    return kind if kind and kind.trainer else None


def refuse_unknown(names: tuple[str, ...]) -> None:
    """Refuse what is neither built in nor an import string."""
    unknown = [name for name in names if name not in TRAINABLE and ":" not in name]
    if unknown or not names:
        raise DataRefused(
            f"There is no model {', '.join(unknown) or 'named'}; there are: {', '.join(TRAINABLE)}, and your own as "
            "package.module:function."
        )
