"""The command line: `fraud`."""

import typer

from fraud_detection_api.cli import (
    compare,
    evaluate,
    features,
    histories,
    models,
    pipeline,
    populate,
    report,
    sample,
    score,
    serve,
    threshold,
    train,
    tune,
)
from fraud_detection_api.cli.refusals import refusing
from fraud_detection_api.monitoring.logs import configure_logs

app = typer.Typer(no_args_is_help=True, help="From a table, labelled or not, to served fraud scores.")
app.command("sample")(sample.sample)
app.command("features")(features.features)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("tune")(tune.tune)
app.command("compare")(compare.compare)
app.command("threshold")(threshold.threshold)
app.command("report")(report.report)
app.add_typer(models.app, name="models")
app.add_typer(pipeline.app, name="pipeline")
app.add_typer(histories.orders, name="orders")
app.command("serve")(serve.serve)
app.command("score")(score.score)
app.command("populate")(populate.populate)


def run() -> None:
    """The console script."""
    configure_logs("INFO", as_json=False)
    with refusing("fraud"):
        app()


if __name__ == "__main__":
    run()
