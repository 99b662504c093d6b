"""Which kind of model a fit trains: the one that is asked for, or the best of those that the use case names."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import import_module

import orjson

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.model.bundle import COMPARISON
from fraud_detection_api.model.kinds.xgboost import XGBOOST
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.compared import ComparisonPlan
from fraud_detection_api.training.fit_options import FitOptions, flags_of
from fraud_detection_api.training.progress import Follower
from fraud_detection_api.training.recipes import FITTING, RECIPES
from fraud_detection_api.training.tables.dataset import Dataset
from fraud_detection_api.training.tables.split import Split
from fraud_detection_api.training.trainers import TRAINABLE, refuse_unknown, trained_kind

COMPARE, FOLDS = "compare", 3


@dataclass(frozen=True)
class ChosenKind:
    """What trains, and the comparison that chose it, as the bundle will keep it."""

    kind: str
    comparison: Mapping[str, bytes] = field(default_factory=dict)


def requested_kinds(use_case: UseCase, options: FitOptions) -> tuple[str, ...]:
    """The kinds that may be trained; more than one are compared."""
    kinds = _kinds_named(use_case, options)
    refuse_unknown(kinds)
    for kind in kinds:
        _refuse_broken(use_case, kind)
    given = options.asked_boosting
    if given and not any(_boosts(use_case, kind) for kind in kinds):
        raise DataRefused(f"{flags_of(given)} says how to boost, and {', '.join(kinds)} does not boost: leave it out.")
    if options.grid and not any(kind in RECIPES and RECIPES[kind].has_grid for kind in kinds):
        raise DataRefused(f"--grid searches the forest's grid, and {', '.join(kinds)} is no forest: leave it out.")
    return kinds


def _kinds_named(use_case: UseCase, options: FitOptions) -> tuple[str, ...]:
    kind = options.model
    if kind is None:
        return (XGBOOST.name,) if options.tuned else use_case.learning.models
    if kind == COMPARE:
        return use_case.learning.models if len(use_case.learning.models) > 1 else TRAINABLE
    if options.tuned and kind != XGBOOST.name:
        raise DataRefused(f"--tuned says how to boost: leave it out to train {kind}.")
    return (kind,)


def _refuse_broken(use_case: UseCase, name: str) -> None:
    """Refuse at once an import string that gives nothing to train, and pipelines where scikit-learn is missing."""
    try:
        is_pipeline = trained_kind(use_case, name) is None
    except Exception as error:  # whatever a team's own code breaks is told in one line
        raise DataRefused(f"There is no model {name!r}: {error}.") from error
    if is_pipeline:
        import_module(FITTING)
    if is_pipeline and ":" in name:
        from fraud_detection_api.training.comparing.own_models import own_model

        own_model(name)


def _boosts(use_case: UseCase, name: str) -> bool:
    kind = trained_kind(use_case, name)
    return kind is not None and kind.boosts


def best_kind(
    use_case: UseCase, dataset: Dataset, parts: Split, plan: ComparisonPlan, follower: Follower
) -> ChosenKind:
    """The best by average precision within folds before the validation period; a single kind has nothing to beat."""
    if len(plan.kinds) == 1:
        return ChosenKind(plan.kinds[0])
    from fraud_detection_api.training.comparing.comparison import compared

    try:
        found = compared(use_case, dataset, parts, plan, follower)
    except DataRefused as error:
        raise DataRefused(f"The kinds of model cannot be compared; name one with --model. {error.message}") from error
    best = found.models[0]
    follower.step(f"Chose {best.kind}: average precision {best.mean('average_precision') or 0:.4f} within the folds")
    return ChosenKind(best.kind, {COMPARISON: orjson.dumps(asdict(found), option=orjson.OPT_INDENT_2)})
