"""The end of a tuning run in words: default against tuned, and how to fit with what was found."""

from rich.table import Table

from fraud_detection_api.cli.console import console
from fraud_detection_api.model.manifest import Measure
from fraud_detection_api.training.boosting import Boosting
from fraud_detection_api.training.tuning.outcome import Outcome, verdict
from fraud_detection_api.training.tuning.scoring import Aim
from fraud_detection_api.training.tuning.tuned_file import Tuned, settings_of
from fraud_detection_api.training.tuning.tuning import Tuning


def show(tuning: Tuning, start: Boosting) -> None:
    """Print what came of a tuning run."""
    out = console()
    for part in tuning_in_words(tuning, start):
        out.print(part)


def tuning_in_words(tuning: Tuning, start: Boosting) -> tuple[Table | str, ...]:
    """The table, the verdict, what was found, and the command that fits with it."""
    tuned, aim = tuning.tuned, tuning.aim
    return (
        outcome_table(tuning.outcome),
        verdict(tuning.outcome, aim),
        _on_folds(tuned, aim),
        _settings(tuned, start),
        f"To fit and publish with it: fraud train {tuned.use_case} --tuned, with the same data.",
    )


def outcome_table(outcome: Outcome) -> Table:
    """Every measure of both models on the same rows, and the difference with its interval."""
    table = Table(
        "measure",
        "default",
        "tuned",
        "tuned - default",
        "95 % interval",
        title="default against tuned on the untouched last period",
    )
    for name in outcome.tuned.names:
        gain = outcome.gain(name)
        values = (outcome.default.measure(name), outcome.tuned.measure(name))
        shown = (f"{measure.value:.4f}" for measure in values)
        table.add_row(name.replace("_", " "), *shown, f"{gain.value:+.4f}", _interval(gain))
    return table


def _on_folds(tuned: Tuned, aim: Aim) -> str:
    return (
        f"On the folds, where the trials were chosen: {aim.words} {tuned.value_on_folds:.4f} tuned, "
        f"{tuned.default_on_folds:.4f} default; the best of {tuned.trials} trials."
    )


def _interval(gain: Measure) -> str:
    return "" if gain.low is None or gain.high is None else f"{gain.low:+.4f} to {gain.high:+.4f}"


def _settings(tuned: Tuned, start: Boosting) -> str:
    before, after = settings_of(start), tuned.boosting
    changed = [f"{name.replace('_', ' ')} {value:.4g}" for name, value in after.items() if before[name] != value]
    return f"Tuned: {', '.join(changed)}." if changed else "Tuned: the defaults; no trial was better on the folds."
