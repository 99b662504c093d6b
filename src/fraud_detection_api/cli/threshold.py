"""fraud threshold: what another threshold would mean, and a new version that has it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from fraud_detection_api.cli.arguments import (
    USE_CASE,
    Models,
    Track,
    UseCases,
    registry_of,
    tracker_of,
    use_case_of,
)
from fraud_detection_api.cli.command import command_with_options
from fraud_detection_api.errors import DataRefused
from fraud_detection_api.model.data_frames import without_data_frames
from fraud_detection_api.schemas.use_case import UseCase

if TYPE_CHECKING:
    from fraud_detection_api.training.proof.threshold import ThresholdRule

Text = str | None


@dataclass(frozen=True, kw_only=True)
class ThresholdOptions:
    """At most one way to choose, of which version, and whether to do it."""

    budget: Annotated[Text, typer.Option(help="What people can review: 100/day, or a share such as 2%")] = None
    cost: Annotated[
        Text, typer.Option(help="MISSED,FALSE_ALARM: amounts, or a field for MISSED; or: declared, by the use case")
    ] = None
    fpr: Annotated[Text, typer.Option(help="Share of honest records that may be flagged, such as 1%")] = None
    at: Annotated[float | None, typer.Option(help="The threshold itself, 0 to 1")] = None
    f1: Annotated[bool, typer.Option("--f1", help="The highest F1")] = False
    version: Annotated[str, typer.Option(help="Version, its number, champion or challenger")] = "champion"
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would mean and change nothing")] = False
    models: Models = None
    use_cases: UseCases = None
    track: Track = None

    def rule(self, use_case: UseCase) -> "ThresholdRule | None":
        """The rule that was given, if one was."""
        from fraud_detection_api.training.proof.threshold import least_cost, rule_of

        at = None if self.at is None else repr(self.at)
        asked = {"budget": self.budget, "cost": self.cost, "fpr": self.fpr, "at": at, "f1": "" if self.f1 else None}
        given = {kind: value for kind, value in asked.items() if value is not None}
        if len(given) > 1:
            raise DataRefused(f"One choice at a time, not {' and '.join(f'--{kind}' for kind in given)}.")
        if self.cost == "declared":
            if use_case.costs is None:
                raise DataRefused(f"{use_case.name} declares no costs: give them as --cost MISSED,FALSE_ALARM.")
            return least_cost(use_case.costs)
        return next((rule_of(f"{kind}:{value}" if value else kind) for kind, value in given.items()), None)


def _threshold(name: str, options: ThresholdOptions) -> None:
    """Choose the threshold by what the team can afford; the model stays, a new version holds the new threshold.

    Chosen on the stopping and calibration rows, shown on the validation rows. Without a choice it shows what the
    threshold means now.
    """
    with without_data_frames():
        from fraud_detection_api.training.threshold_change import ThresholdChange
    from fraud_detection_api.cli.threshold_tables import meaning

    registry, use_case = registry_of(options.models), use_case_of(name, options.use_cases)
    rule = options.rule(use_case)
    change = ThresholdChange(registry, use_case, options.version)
    chosen = change.chosen(rule) if rule else None
    meaning(change, chosen)
    if chosen is None or options.dry_run:
        return
    made = change.published(chosen)
    outcome = "is champion now" if made.is_champion else "is published"
    typer.echo(f"{name} {made.version} {outcome}{made.remark and f', but {made.remark}'}")
    tracker_of(options.track, registry, name).published(made.version, is_champion=made.is_champion)


threshold = command_with_options(_threshold, USE_CASE)
