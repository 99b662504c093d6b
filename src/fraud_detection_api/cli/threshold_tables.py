"""What a threshold means, as a table: now, and as it would be."""

from collections.abc import Callable

from rich.table import Table

from fraud_detection_api.cli.console import console
from fraud_detection_api.training.proof.consequences import Consequences
from fraud_detection_api.training.tables.split import rows_that_judge
from fraud_detection_api.training.threshold_change import Chosen, ThresholdChange

Shown = Callable[[Consequences], str]

RECORDS: dict[str, Shown] = {
    "frauds caught": lambda it: f"{it.caught:,} of {it.frauds:,} ({it.recall:.1%})",
    "frauds missed": lambda it: f"{it.missed:,}",
    "false alarms": lambda it: f"{it.false_alarms:,}",
    "frauds among the flagged": lambda it: f"{it.precision:.1%}",
}
MONEY: dict[str, Shown] = {
    "lost to missed frauds": lambda it: f"{it.money.lost_to_missed:,.0f}" if it.money else "",
    "spent on false alarms": lambda it: f"{it.money.spent_on_false_alarms:,.0f}" if it.money else "",
    "spent on caught frauds": lambda it: f"{it.money.spent_on_caught:,.0f}" if it.money else "",
    "cost together": lambda it: f"{it.money.cost:,.0f}" if it.money else "",
    "cost without a model": lambda it: f"{it.money.lost_without:,.0f}" if it.money else "",
}


def meaning(change: ThresholdChange, chosen: Chosen | None) -> None:
    """Print what the threshold of a version means on the rows that judge it, and what another would mean."""
    columns, out = {"now": change.now} | ({"chosen": chosen} if chosen else {}), console()
    for name, column in columns.items():
        out.print(f"{name}: flagged from {column.threshold:.4f} on ({column.rule.words})")
    costs = [*columns.values()][-1].rule.costs
    found = [it for column in columns.values() if (it := change.meaning(column.threshold, costs))]
    if not found:
        out.print("This version has no holdout rows to show what this means on.")
        return
    period = f" of {found[0].days:,} days" if found[0].days else ""
    data = change.bundle.manifest.data
    which = rows_that_judge(data.split) if data else "held-out"
    out.print(f"On {found[0].rows:,} {which} records{period} that had no part in training or choosing:")
    table = Table("", *columns)
    for line, shown in RECORDS.items():
        table.add_row(line, *map(shown, found))
    daily = [each for column in columns.values() if (each := change.reviews_a_day(column.threshold)) is not None]
    if daily:
        once = f", each {change.use_case.entity} once" if change.use_case.entity else ""
        table.add_row(f"reviews a day{once}", *(f"{each:,.1f}" for each in daily))
    for line, shown in MONEY.items() if found[0].money else ():
        table.add_row(line, *map(shown, found))
    out.print(table)
