"""Tuning: folds before the validation period, a study over them, an outcome on the period that no trial has seen."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime

from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import Boosting
from fraud_detection_api.training.fit_options import TuneOptions
from fraud_detection_api.training.progress import Follower
from fraud_detection_api.training.tables.dataset import Dataset
from fraud_detection_api.training.tables.fingerprint import fingerprint
from fraud_detection_api.training.tables.folds import folds_before_validation
from fraud_detection_api.training.tables.split import split
from fraud_detection_api.training.tables.training_table import training_table
from fraud_detection_api.training.tracking.tracker import Tracker
from fraud_detection_api.training.tuning.fold_fits import FoldFits
from fraud_detection_api.training.tuning.outcome import LastPeriod, Outcome
from fraud_detection_api.training.tuning.scoring import Aim
from fraud_detection_api.training.tuning.search import Limits, Search
from fraud_detection_api.training.tuning.studies import Opened, StudyKey, ended, opened
from fraud_detection_api.training.tuning.tuned_file import Tuned, keep, settings_of, tuned_path
from fraud_detection_api.training.xgboost_trainer import XGBoostTrainer


@dataclass(frozen=True)
class Tuning:
    """What a tuning run has found and kept, and what it is worth."""

    tuned: Tuned
    outcome: Outcome
    aim: Aim


def tune(use_case: UseCase, options: TuneOptions, follower: Follower, tracker: Tracker) -> Tuning:
    """Search, judge the best beside the start on untouched rows, and keep how it boosts."""
    options.refuse_contradictions()
    limits = Limits(options.trials, options.minutes)
    aim = Aim(options.aim, use_case, options.budget)
    registry = options.registry
    dataset = training_table(use_case, options.source, follower).dataset
    follower.step(f"{len(dataset):,} rows, {int(dataset.labels.sum()):,} of them frauds")
    last = LastPeriod(use_case, dataset, split(dataset, options.gap_days, options.seed), options.budget)
    with opened(registry.root / use_case.name, _key(use_case, dataset, options, aim)) as held:
        _say_where_it_stands(held, limits, follower)
        search = Search(held.study, dataset, _folds(last, options, follower), aim, _trainer(options, options.boosting))
        _run(search, limits, follower, tracker)
        best = search.boosting_of(held.study.best_trial)
        follower.step(f"{len(ended(held.study))} trials are done; training default and tuned for the last period")
        outcome = last.outcome(search.start, _trainer(options, best), follower)
        tuned = _tuned(search, options, outcome, last.parts.validated_from)
    keep(tuned, tuned_path(registry, use_case))
    return Tuning(tuned, outcome, aim)


def _run(search: Search, limits: Limits, follower: Follower, tracker: Tracker) -> None:
    try:
        search.run(limits, follower, tracker)
    except KeyboardInterrupt:
        follower.warn(f"Stopped after {len(ended(search.study))} trials: the same command goes on from there")
        raise


def _key(use_case: UseCase, dataset: Dataset, options: TuneOptions, aim: Aim) -> StudyKey:
    decides: dict[str, str | int | float | None] = {
        "fingerprint": fingerprint(dataset),
        "entity": use_case.entity,
        "entities": None if dataset.entities is None else hashlib.sha256(dataset.entities.tobytes()).hexdigest(),
        "features": ", ".join(use_case.feature_names),
        "costs": repr(use_case.costs),
        "gap_days": options.gap_days,
        "review_budget": options.budget.text,
    }
    decides |= {f"start_{name}": value for name, value in settings_of(options.boosting).items()}
    return StudyKey(aim.name, aim.highest_is_best, options.folds, options.seed, decides)


def _say_where_it_stands(held: Opened, limits: Limits, follower: Follower) -> None:
    name, done = held.study.study_name, len(ended(held.study))
    if done:
        follower.step(f"Study {name} goes on: {done} of {limits.trials} trials are done")
    elif held.others:
        follower.step(f"Study {name} is new: data or options differ from those of {', '.join(held.others)}")
    else:
        follower.step(f"Study {name} is new")


def _folds(last: LastPeriod, options: TuneOptions, follower: Follower) -> list[FoldFits]:
    folds = folds_before_validation(last.dataset, last.parts, options.folds, options.gap_days, options.seed)
    order = "at random" if last.dataset.in_order is None else "in time order"
    sizes = ", ".join(f"{len(fold.training):,} train and {len(fold.validation_rows):,} judge" for fold in folds)
    follower.step(f"{len(folds)} folds {order} before the last period: {sizes}")
    threads = int(_trainer(options, options.boosting).parameters["nthread"])
    return [FoldFits.of(last.use_case, last.dataset, fold, threads) for fold in folds]


def _trainer(options: TuneOptions, boosting: Boosting) -> XGBoostTrainer:
    return XGBoostTrainer(boosting, options.threads, options.device)


def _tuned(search: Search, options: TuneOptions, outcome: Outcome, untouched_from: date | None) -> Tuned:
    study, aim = search.study, search.aim
    first, best = ended(study)[0], study.best_trial
    return Tuned(
        use_case=aim.use_case.name,
        boosting=settings_of(search.boosting_of(best)),
        study=study.study_name,
        fingerprint=str(study.user_attrs["fingerprint"]),
        aim=aim.name,
        value_on_folds=best.value or 0.0,
        default_on_folds=first.value or 0.0,
        gain_on_last_period=outcome.gain(aim.name),
        trials=len(ended(study)),
        folds=options.folds,
        seed=options.seed,
        untouched_from=untouched_from,
        created_at=datetime.now(UTC),
    )
