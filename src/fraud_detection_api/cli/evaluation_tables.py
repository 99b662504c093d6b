"""An evaluation in time order as a table and as JSON."""

from dataclasses import asdict

import orjson
from rich import box
from rich.table import Column, Table

from fraud_detection_api.cli.console import console
from fraud_detection_api.schemas.times import day_of
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.evaluating.prequential import EvaluatedFold, Prequential
from fraud_detection_api.training.fit_options import EvaluateOptions
from fraud_detection_api.training.proof.measures import MONEY

NOTHING = "-"


def show(found: Prequential) -> None:
    """Print the table, and what a reader of it has to know."""
    out = console()
    out.print(table_of(found))
    for number, fold in enumerate(found.folds, 1):
        if fold.remark:
            out.print(f"fold {number} has no measures: {fold.remark}")
    if found.remark:
        out.print(found.remark)


def table_of(found: Prequential) -> Table:
    """The days and rows of every fold, and every measure with its mean and its spread."""
    headings = ("mean", "spread", *(f"fold {number}" for number in range(1, len(found.folds) + 1)))
    columns = (Column(heading, justify="right", overflow="fold") for heading in headings)
    table = Table("", *columns, box=box.SIMPLE)
    facts = [_facts(fold) for fold in found.folds]
    for name in facts[0]:
        table.add_row(name, "", "", *(fact[name] for fact in facts))
    table.add_section()
    for name, summary in found.summaries().items():
        folds = (_shown(name, fold.figures.get(name)) for fold in found.folds)
        table.add_row(name.replace("_", " "), _shown(name, summary.mean), _shown(name, summary.spread), *folds)
    return table


def as_json(use_case: UseCase, options: EvaluateOptions, found: Prequential) -> bytes:
    """Everything the table holds, with every digit."""
    content = {
        "use_case": use_case.name,
        "source": found.source,
        "plan": asdict(options.plan),
        "leave_known_out": options.leave_known_out,
        "review_budget": options.review_budget,
        "boosting": asdict(found.boosting),
        "remark": found.remark or "",
        "summary": {name: asdict(summary) for name, summary in found.summaries().items()},
        "folds": [_fold(fold) for fold in found.folds],
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _fold(fold: EvaluatedFold) -> dict[str, object]:
    (trained_from, trained_until), (tested_from, tested_until) = fold.window.trained, fold.window.tested
    return {
        "trained_from": day_of(trained_from),
        "trained_until": day_of(trained_until),
        "tested_from": day_of(tested_from),
        "tested_until": day_of(tested_until),
        "training_rows": len(fold.window.training),
        "rows": fold.rows,
        "frauds": fold.frauds,
        "left_out": fold.left_out,
        "rounds": fold.rounds,
        "threshold": fold.threshold,
        "measures": fold.figures,
        "remark": fold.remark,
    }


def _facts(fold: EvaluatedFold) -> dict[str, str]:
    found = _fold(fold)
    names = ("trained_from", "trained_until", "tested_from", "tested_until")
    facts = {name.replace("_", " "): str(found[name]) for name in names}
    counts = {
        "training rows": len(fold.window.training),
        "test rows": fold.rows,
        "test frauds": fold.frauds,
        "left out as known": fold.left_out,
    }
    facts |= {name: f"{count:,}" for name, count in counts.items()}
    facts["rounds"] = NOTHING if fold.rounds is None else f"{fold.rounds:,}"
    return facts | {"threshold": _shown("threshold", fold.threshold)}


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return NOTHING
    return f"{value:,.2f}" if name in MONEY else f"{value:.4f}"
