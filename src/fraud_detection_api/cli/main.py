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
from fraud_detection_api.monitoring.logs import configure_logs

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
    configure_logs("INFO", as_json=False)
    try:
        app()
    except FraudError as error:
        _refuse(error.message, error.exit_code)
    except ValidationError as error:
        first = error.errors()[0]
        _refuse(f"setting FRAUD_{str(first['loc'][0]).upper()}: {first['msg']}")


def _refuse(message: str, exit_code: int = 2) -> NoReturn:
    print(f"fraud: {message}", file=sys.stderr)
    raise SystemExit(exit_code) from None


if __name__ == "__main__":
    run()
