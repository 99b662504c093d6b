"""The model fitter: read, split, train, prove, judge, publish.

    python -m fraud_detection_api.training.model_fitter --start_date 20240101 --end_date 20251231 --data FILE

Exit codes: 0 the model is champion, 2 the data or the options are refused, 3 the gate failed and the champion stays.
"""

import inspect
import sys
from typing import Annotated

import typer

from fraud_detection_api.errors import FraudError
from fraud_detection_api.model.data_frames import without_data_frames
from fraud_detection_api.monitoring.logs import configure_logs
from fraud_detection_api.training.fit_options import FitOptions, command_with_options
from fraud_detection_api.use_cases import all_use_cases, named


def _run(name: str, options: FitOptions) -> None:
    """Train a model of a use case on a labelled table, prove it on later rows and publish it."""
    with without_data_frames():
        from fraud_detection_api.training.fitting import fit_and_report
    raise typer.Exit(fit_and_report(named(name, all_use_cases(options.use_case_imports)), options))


def main() -> None:
    """The fitter's own command, with the flags it has always had."""
    configure_logs("INFO", as_json=False)
    model_name = inspect.Parameter(
        "model_name",
        inspect.Parameter.KEYWORD_ONLY,
        default="credit_accounts",
        annotation=Annotated[str, typer.Option("--model_name", "--model-name", help="The use case to train")],
    )
    app = typer.Typer(add_completion=False)
    app.command()(command_with_options(_run, model_name))
    try:
        app()
    except FraudError as error:
        sys.stderr.write(f"model_fitter: {error.message}\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
