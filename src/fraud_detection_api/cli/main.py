"""The command line: `fraud`."""

import sys
from typing import NoReturn

import typer
from pydantic import ValidationError

from fraud_detection_api.cli import (
    compare,
    evaluate,
    features,
    models,
    populate,
    report,
    sample,
    score,
    serve,
    threshold,
    train,
    tune,
)
from fraud_detection_api.errors import FraudError

app = typer.Typer(no_args_is_help=True, help="From a labelled table to a served fraud probability.")
app.command("sample")(sample.sample)
app.command("features")(features.features)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("tune")(tune.tune)
app.command("compare")(compare.compare)
app.command("threshold")(threshold.threshold)
app.command("report")(report.report)
app.add_typer(models.app, name="models")
app.command("serve")(serve.serve)
app.command("score")(score.score)
app.command("populate")(populate.populate)


def run() -> None:
    """The console script: what is refused is one line and exit code 2."""
    try:
        app()
    except FraudError as error:
        _refuse(error.message)
    except ValidationError as error:
        first = error.errors()[0]
        _refuse(f"setting FRAUD_{str(first['loc'][0]).upper()}: {first['msg']}")


def _refuse(message: str) -> NoReturn:
    print(f"fraud: {message}", file=sys.stderr)
    raise SystemExit(2) from None


if __name__ == "__main__":
    run()
