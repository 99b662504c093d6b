"""The top of the page: the verdict, a few figures, what the threshold means, what the model is for."""

from collections.abc import Iterable, Iterator

from fraud_detection_api.training.report.contents import KindInWords, Report
from fraud_detection_api.training.report.markup import Markup, joined, tag
from fraud_detection_api.training.report.sections.parts import (
    bullets,
    card,
    facts,
    paragraph,
    prose_table,
    section,
)
from fraud_detection_api.training.report.wording import (
    as_title,
    cost_warning,
    count,
    interval,
    of_100,
    threshold_sentence,
    verdict_words,
)

KINDS = {"Passed": "good", "Failed": "bad", "Failed, forced": "forced", "Not judged": "forced"}


def header(report: Report) -> Markup:
    """Whose report this is."""
    manifest, data = report.manifest, report.manifest.data
    made = f"{'Trained' if manifest.origin == 'trained' else 'Imported'} {manifest.trained_at:%d %B %Y, %H:%M} UTC"
    frauds = f", {data.frauds:,} of them frauds" if data and data.frauds else ""
    rows = f" on {data.rows:,} rows{frauds}" if data else ""
    until = f", {data.first_day} to {data.last_day}" if data and data.first_day else ""
    return tag(
        "header",
        tag("p", "Model report", class_="kicker"),
        tag("h1", report.use_case.title),
        tag(
            "p",
            f"{report.use_case.name} \u00b7 {as_title(report.kind.words)} \u00b7 {made}{rows}{until}",
            class_="soft",
        ),
    )


def summary(report: Report, cards: Iterable[Markup], sentence_of_threshold: str) -> Markup:
    """What a reader with one minute should know."""
    word, sentence = verdict_words(report.manifest)
    reason = report.manifest.gate.forced_because
    warning = cost_warning(report.figures.at_threshold if report.figures else None)
    badges = [(word, KINDS[word])] + ([("Costs more than no model", "bad")] if warning else [])
    return section(
        "summary",
        "Summary",
        tag(
            "div",
            *(tag("span", words, class_=f"badge {kind}") for words, kind in badges),
            tag("p", f"{sentence} {warning}".rstrip()),
            class_="verdict",
        ),
        paragraph("The reason that was given: ", tag("strong", reason), kind="reason") if reason else Markup(""),
        tag("div", *cards, class_="cards"),
        paragraph(sentence_of_threshold, kind="lead"),
        tag("p", tag("strong", "Limitation: "), report.limits[0], class_="limitation"),
    )


def purpose(report: Report) -> Markup:
    """What the model is for, and what it is not for."""
    ours = report.use_case
    score = report.manifest.score
    unsaid = (
        f"It gives each record of {ours.title} {score.gives.format(label=ours.label)}, so that people can look at the "
        f"{score.first} first. The use case does not say more: write its purpose there."
    )
    warned = (
        "The use case does not say. At the least: not to refuse anybody by the score alone, not for records of another "
        "kind or from another business than those it learned from, and not for fields outside their trained ranges."
    )
    return section(
        "purpose",
        "What it is for",
        tag(
            "div",
            tag("div", tag("h3", "For"), paragraph(ours.purpose or unsaid)),
            tag("div", tag("h3", "Not for"), paragraph(ours.not_for or warned)),
            class_="two",
        ),
    )


def gate(report: Report) -> Markup:
    """Every check with its numbers."""
    verdict = report.manifest.gate
    failed = "not judged" if report.manifest.origin == "imported" else "failed"
    rows = [
        (
            tag("span", "passed" if check.passed else failed, class_="good" if check.passed else "bad"),
            check.name,
            _said(check.detail, check.numbers),
        )
        for check in verdict.checks
    ]
    reason = (
        paragraph("Promoted all the same, because: ", tag("strong", verdict.forced_because))
        if verdict.forced_because
        else ""
    )
    if not rows:
        return section("gate", "The gate", paragraph("No check was kept."), reason)
    return section(
        "gate",
        "The gate",
        prose_table(("Verdict", "Check", "What it asked and found"), rows),
        reason,
    )


def limits(report: Report) -> Markup:
    """What the figures cannot promise."""
    return section("limits", "Limits", bullets(report.limits))


def versions(report: Report) -> Markup:
    """What made the model, so that somebody can make it again."""
    manifest = report.manifest
    parameters = [(name.replace("_", " "), str(value)) for name, value in manifest.parameters.items()]
    libraries = [(name.replace("_", " "), version) for name, version in manifest.libraries.items()]
    from_other = [("made from version", manifest.made_from)] if manifest.made_from else []
    made = [("made", f"{manifest.created_at:%Y-%m-%d %H:%M:%S} UTC"), ("origin", manifest.origin), *from_other]
    return section(
        "versions",
        "Versions and parameters",
        facts([*made, ("kind of model", _kind(report.kind)), *libraries]),
        tag("h3", "Parameters"),
        facts(parameters),
    )


def _kind(kind: KindInWords) -> str:
    return f"{kind.words}, served as {kind.served_as}" if kind.served_as else kind.words


def _said(detail: str, numbers: dict[str, float]) -> Markup:
    if not numbers:
        return joined(detail)
    shown = "; ".join(f"{name.replace('_', ' ')} {value:.6g}" for name, value in numbers.items())
    return joined(detail, tag("br"), tag("small", shown, class_="soft"))


def fraud_sentence(report: Report) -> str:
    """What the threshold means, in one sentence."""
    manifest, figures = report.manifest, report.figures
    if figures is None:
        return f"Records of {manifest.threshold:.4g} and above are flagged; what that means is not known."
    return threshold_sentence(figures.at_threshold, manifest.threshold)


def fraud_cards(report: Report) -> Iterator[Markup]:
    """The figures that a model with labels has."""
    metrics, data = report.manifest.metrics, report.manifest.data
    base = data.validation_frauds / data.validation_rows if data and data.validation_rows else 0.0
    best = data.best_average_precision if data else None
    possible = f"; {best:.3f} is the best possible on this sample" if best else ""
    for name, title, note in (
        ("average_precision", "Average precision", f"by chance {base:.4f}{possible}"),
        ("recall_at_threshold", "Frauds found", "at the threshold, of all frauds"),
        ("precision_at_threshold", "Precision", "frauds among flagged records"),
        ("calibration_error", "Calibration error", "between probability and truth"),
    ):
        if measure := metrics.get(name):
            shown = (
                f"{measure.value:.3f}"
                if name in ("average_precision", "calibration_error")
                else f"{of_100(measure.value)} %"
            )
            between = interval(measure)
            yield card(title, shown, f"{note}; 95\u00a0% interval {between}" if between else note)
    if not metrics:
        features = len(report.manifest.features)
        yield card("Features", f"{features:,}", f"{count(features, 'field')} of a record")
        yield card("Threshold", f"{report.manifest.threshold:.4g}", "a record at or above it is flagged")
