"""Train: fit, prove, judge, publish and promote as everything here is, from the training rows."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import orjson

from fraud_detection_api.pipeline.executor import LOCAL, ExecutingOptions
from fraud_detection_api.pipeline.given import USE_CASES, share_of, text_of, use_case_of, whole_of
from fraud_detection_api.pipeline.outputs import VERDICT
from fraud_detection_api.pipeline.step import Inputs, Parameters, Part, Step
from fraud_detection_api.pipeline.steps.training_data import PARAMETERS, Choice, choice_of, skipped_rows
from fraud_detection_api.pipeline.training_rows import Wanted, loaded_rows, training_files, training_rows
from fraud_detection_api.schemas.learning import Supervised
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.fit_options import FitOptions
from fraud_detection_api.training.fitting import Fitted, ReadyRows, fit_ready
from fraud_detection_api.training.progress import LogFollower
from fraud_detection_api.training.tables.dataset import Dataset
from fraud_detection_api.training.tables.learnable import refuse_absent, refuse_nearly_unique
from fraud_detection_api.training.trained import Trainer

ROWS_ALONE = 4_000_000  # that one process trains on


def parts(_: Inputs, __: Parameters) -> Sequence[Part]:
    """One, which holds the verdict; the model goes into the registry."""
    return [Part(VERDICT)]


def train(inputs: Inputs, parameters: Parameters, _: Part, path: Path) -> int:
    """Fit a model, and make it champion if the gate lets it."""
    use_case, choice = with_least(use_case_of(parameters), parameters), choice_of(inputs, parameters)
    folder, options = inputs["training_data"], _options(parameters)
    one_in = -(-training_rows(folder) // whole_of(parameters, "most_rows_alone", ROWS_ALONE))
    loaded = loaded_rows(folder, use_case, skipped_rows(inputs["partition"]), Wanted(one_in=one_in))
    _refuse_unlearnable(loaded.dataset, use_case)
    rows = ReadyRows(loaded.dataset, choice.periods.split(loaded.parts), _source(choice, one_in))
    trainer = _of_workers(folder, parameters, options, path) if one_in > 1 else None
    fitted = fit_ready(use_case, rows, options, LogFollower(), trainer)
    path.write_bytes(orjson.dumps(_verdict(fitted), option=orjson.OPT_INDENT_2))
    return len(loaded.dataset)


def with_least(use_case: UseCase, parameters: Parameters) -> UseCase:
    """With the average precision below which a run promotes no model; what the use case demands stays the least."""
    least = share_of(parameters, "least_average_precision", 0)
    if not least or not isinstance(use_case.learning, Supervised):
        return use_case
    gate = use_case.gate
    demands = {**gate.at_least, "average_precision": max(least, gate.at_least.get("average_precision", 0))}
    return replace(use_case, learning=replace(use_case.learning, gate=replace(gate, at_least=demands)))


def _refuse_unlearnable(dataset: Dataset, use_case: UseCase) -> None:
    refuse_nearly_unique(dataset.columns, use_case)
    if dataset.valueless:
        refuse_absent(dataset.valueless, (), ())


def _of_workers(folder: Path, parameters: Parameters, options: FitOptions, path: Path) -> Trainer:
    """What trains on Dask, where the rows are too many for one process."""
    from fraud_detection_api.pipeline.dask_training import DaskTrainer
    from fraud_detection_api.training.xgboost_trainer import XGBoostTrainer

    executing = ExecutingOptions(
        text_of(parameters, "dask", LOCAL),
        whole_of(parameters, "at_once", 2),
        *(text_of(parameters, f"dask_tls_{name}", "") for name in ("ca", "cert", "key")),
    )
    told = {name: parameters.get(name) for name in ("use_case", USE_CASES)}
    trainer = XGBoostTrainer(options.boosting, options.threads)
    return DaskTrainer(training_files(folder), told, executing, path.with_name("model.json"), trainer)


def _source(choice: Choice, one_in: int) -> str:
    """The words for where the rows came from."""
    share, by_hour = choice.thinning.share, choice.known.by_hour
    thinned = "" if share == 1 else f"; {100 * share:.3g} % of the training rows without fraud kept and weighted"
    described = "" if one_in < 2 else f"; trained by several processes, one in {one_in} of the training rows described"
    return (
        f"pipeline: {int(by_hour.records.sum()):,} records, the labels of {int(by_hour.known.sum()):,} known when the "
        f"last one arrived{thinned}{described}"
    )


def _options(parameters: Parameters) -> FitOptions:
    rounds = parameters.get("rounds")
    return FitOptions(
        models=Path(text_of(parameters, "models", "models")),
        seed=whole_of(parameters, "seed", 0),
        threads=whole_of(parameters, "threads", 0),
        rounds=None if rounds is None else int(rounds),
    )


def _verdict(fitted: Fitted) -> dict[str, str | float | bool | list[str] | None]:
    manifest = fitted.manifest
    return {
        "passed": manifest.gate.passed,
        "is_champion": fitted.is_champion,
        "version": fitted.version,
        "average_precision": manifest.metrics["average_precision"].value,
        "best_average_precision": manifest.data.best_average_precision if manifest.data else None,
        "failed": [check.detail for check in manifest.gate.checks if not check.passed],
    }


STEP = Step(
    "train",
    ("partition", "features", "training_data"),
    (*PARAMETERS, "most_rows_alone", "least_average_precision"),
    parts,
    train,
    is_central=True,
)
