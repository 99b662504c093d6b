"""What the threshold means: counts, money, and what other thresholds would cost."""

import numpy as np

from fraud_detection_api.training.proof.consequences import Consequences, Money
from fraud_detection_api.training.report.contents import CostChoice, CostCurves, Report
from fraud_detection_api.training.report.markup import Markup
from fraud_detection_api.training.report.plotting.axes import Axis, percent
from fraud_detection_api.training.report.plotting.chart import Chart, chart
from fraud_detection_api.training.report.plotting.marks import Line, Rule
from fraud_detection_api.training.report.plotting.small import Cell, heat_table
from fraud_detection_api.training.report.sections.parts import facts, figure, paragraph, section, side_by_side, table
from fraud_detection_api.training.report.wording import count, threshold_rule

HIGHEST_COST = 1.5  # of the cost without a model; what costs more is drawn at the edge


def decisions(report: Report) -> Markup:
    """The threshold's meaning on the rows that judge."""
    manifest, figures = report.manifest, report.figures
    chosen = f"The threshold is {manifest.threshold:.6g}: {threshold_rule(manifest)}."
    if figures is None:
        unknown = "What it catches, misses and costs is not known: no holdout rows were kept with this model."
        return section("threshold", "What the threshold means", paragraph(chosen), paragraph(unknown))
    found = figures.at_threshold
    costs = [_costs(figures.costs, manifest.threshold, figures.distribution.is_log)] if figures.costs else []
    where = "It was chosen on other rows than the validation rows; the figures here are those of the validation rows."
    content = [paragraph(chosen, " ", where), side_by_side(_confusion(found), *costs), facts(_facts(found))]
    if figures.costs:
        content.append(_choices(figures.costs))
    else:
        content.append(paragraph("No cost curve: nothing is at stake in the frauds of these rows.", kind="soft"))
    return section("threshold", "What the threshold means", *content)


def _confusion(found: Consequences) -> Markup:
    honest = found.false_alarms + found.passed
    cells = (
        ("Frauds", (_cell(found.caught, found.frauds, "caught", 2), _cell(found.missed, found.frauds, "missed", 1))),
        ("Honest", (_cell(found.false_alarms, honest, "false alarms", 1), _cell(found.passed, honest, "let pass", 2))),
    )
    words = "; ".join(f"{cell.figure} {cell.words}" for _, row in cells for cell in row)
    plotted = heat_table("confusion", ("Confusion matrix at the threshold", words), ("Flagged", "Passed"), cells)
    return figure(
        "Confusion matrix at the threshold", "Green is right, orange is wrong; shares are of the row.", plotted
    )


def _cell(number: int, of: int, words: str, colour: int) -> Cell:
    share = number / of if of else 0.0
    return Cell(f"{number:,}", f"{words} ({percent(share)})", colour, share)


def _facts(found: Consequences) -> list[tuple[str, str]]:
    pairs = [
        ("Flagged", f"{found.flagged:,} of {found.rows:,} records ({percent(found.flagged / found.rows)})"),
        ("Caught", f"{found.caught:,} of {count(found.frauds, 'fraud')}; {found.missed:,} missed"),
        ("False alarms", f"{found.false_alarms:,}{_to_one(found)}"),
    ]
    if found.entities:
        pairs.append(
            ("Entities", f"{found.entities.caught:,} of {found.entities.fraudulent:,} with a fraud have one flagged")
        )
    if found.days:
        daily = [
            f"{number / found.days:,.3g} {what}"
            for number, what in (
                (found.flagged, "flagged"),
                (found.caught, "caught"),
                (found.false_alarms, "false alarms"),
            )
        ]
        pairs.append((f"A day, over {count(found.days, 'day')}", ", ".join(daily)))
    return pairs + (_money(found.money) if found.money else [])


def _to_one(found: Consequences) -> str:
    if not found.caught:
        return ", and no fraud caught"
    return f", {found.false_alarms / found.caught:,.2g} for each fraud caught" if found.false_alarms else ""


def _money(money: Money) -> list[tuple[str, str]]:
    saved = money.lost_without - money.cost
    share = f" ({percent(abs(saved) / money.lost_without)})" if money.lost_without > 0 else ""
    parts = f"{_sum(money.lost_to_missed)} missed, {_sum(money.spent_on_false_alarms)} false alarms"
    caught = f", {_sum(money.spent_on_caught)} on caught frauds" if money.spent_on_caught else ""
    return [
        ("Cost without a model", f"{_sum(money.lost_without)}: every fraud is missed"),
        ("Cost with it", f"{_sum(money.cost)}: {parts}{caught}"),
        ("Saved" if saved >= 0 else "Lost", f"{_sum(abs(saved))}{share}"),
    ]


def _sum(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 or amount == round(amount) else f"{amount:,.2f}"


def _costs(costs: CostCurves, threshold: float, is_log: bool) -> Markup:
    thresholds = np.array(costs.thresholds)
    low = max(float(thresholds.min()), 1e-5) if is_log else 0.0
    declared = costs.choices[0].false_alarms_a_fraud is None
    lines = tuple(
        Line(_name(choice), thresholds, np.minimum(np.array(shares), HIGHEST_COST), colour, is_steps=True)
        for colour, (choice, shares) in enumerate(zip(costs.choices, costs.shares, strict=True))
    )
    words = "What decisions cost at each threshold; 100 % is the cost without a model. The lower, the better."
    if max(max(shares) for shares in costs.shares) > HIGHEST_COST:
        words += f" What costs more than {percent(HIGHEST_COST)} is drawn at the edge."
    more = "" if declared else " The use case declares no costs, so some ratios are shown."
    plotted = Chart(
        "costs",
        "Cost by threshold",
        "; ".join(f"{_name(each)}: {percent(each.cost_share_now)} at the threshold" for each in costs.choices),
        Axis("Threshold", low, 1, is_log=is_log),
        Axis("Cost, of that without a model", 0, HIGHEST_COST),
        (*lines, Rule("threshold", threshold)),
    )
    return figure("Cost by threshold", words + more, chart(plotted))


def _name(choice: CostChoice) -> str:
    ratio = choice.false_alarms_a_fraud
    return "declared costs" if ratio is None else f"{ratio:.0f} : 1"


def _choices(costs: CostCurves) -> Markup:
    rows = [
        (
            _worth(each),
            "flag nothing" if each.threshold is None else f"{each.threshold:.4g}",
            percent(each.flagged_share),
            percent(each.recall),
            percent(each.cost_share),
            percent(each.cost_share_now),
        )
        for each in costs.choices
    ]
    headings = ("A missed fraud is worth", "Cheapest threshold", "Would flag", "Would find", "Cost there", "Cost now")
    note = (
        "The cheapest threshold on the rows that thresholds are chosen on, tried on the validation rows; 100 % is the "
        "cost without a model."
    )
    return Markup(
        table(headings, rows, numeric=range(1, 6), label="Cheapest thresholds") + paragraph(note, kind="soft small")
    )


def _worth(choice: CostChoice) -> str:
    ratio = choice.false_alarms_a_fraud
    return "what the use case declares" if ratio is None else count(int(ratio), "false alarm")
