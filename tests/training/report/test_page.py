"""The page: well-formed, self-contained, escaped, complete, the same for the same inputs."""

import re

import pytest

from fraud_detection_api.model.bundle import REPORT, REPORT_DATA
from fraud_detection_api.model.manifest import Manifest
from fraud_detection_api.training.bundling.publishing import promoted
from fraud_detection_api.training.proof.holdout_rows import HOLDOUT
from fraud_detection_api.training.report.making import report_again, report_files
from fraud_detection_api.training.report.plotting.axes import percent
from tests.learning import with_learning
from tests.training.report.conftest import HOSTILE, Published, tree

SECTIONS = {
    "summary", "purpose", "gate", "threshold", "measures", "probabilities",
    "stability", "groups", "importance", "data", "features", "limits", "versions",
}  # fmt: skip


def again(published: Published, manifest: Manifest) -> str:
    """The page of the same model with another manifest."""
    return report_again(published.use_case, manifest, published.bundle)[REPORT].decode()


def test_it_is_well_formed_and_small(published: Published) -> None:
    assert published.html.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert tree(published.html).tag == "html"
    assert len(published.html) < 300_000


def test_it_loads_and_runs_nothing(published: Published) -> None:
    for element in tree(published.html).iter():
        assert element.tag not in ("script", "link", "img", "iframe", "object", "embed", "form", "base")
        assert not [name for name in element.attrib if name.startswith("on") or name in ("src", "style")]
        assert element.get("href", "#").startswith("#")
    assert not re.search(r"https?://|url\(|@import", published.html)


def test_every_link_of_it_leads_somewhere_and_every_plot_has_words(published: Published) -> None:
    page = tree(published.html)
    names = [element.get("id") for element in page.iter() if element.get("id")]
    assert len(names) == len(set(names))
    assert {element.get("href") for element in page.iter("a")} <= {f"#{name}" for name in names}
    for plot in page.iter("svg"):
        labelled = (plot.get("aria-labelledby") or "").split()
        assert plot.get("role") == "img"
        assert plot.get("aria-label") or (len(labelled) == 2 and set(labelled) <= set(names))


def test_what_comes_from_data_and_declarations_is_escaped(declared: Published) -> None:
    assert HOSTILE in declared.words
    assert "<script" not in declared.html
    assert "Claims &amp; &lt;others&gt;" in declared.html
    assert "Refusing a claim &lt;b&gt;without&lt;/b&gt; a person." in declared.html


def test_every_section_is_there(declared: Published, imported: Published) -> None:
    assert declared.sections == SECTIONS
    assert imported.sections == SECTIONS - {"measures", "probabilities", "stability", "groups", "importance"}


def test_every_measure_stands_in_it_as_in_the_manifest(declared: Published) -> None:
    rows = {"".join(cell.itertext()) for cell in tree(declared.html).iter("td")}
    for name, measure in declared.bundle.manifest.metrics.items():
        shown = f"{measure.value:,.0f}" if measure.value >= 1000 else f"{measure.value:.4f}"
        assert shown in rows, name
    assert len(declared.bundle.manifest.metrics) >= 9


def test_the_confusion_matrix_holds_every_record_once(declared: Published) -> None:
    figures = declared.report.figures
    assert figures is not None
    found = figures.at_threshold
    matrix = next(plot for plot in tree(declared.html).iter("svg") if "confusion-title" in str(plot.attrib))
    shown = [text.text or "" for text in matrix.iter("text")]
    for counted, of, word in (
        (found.caught, found.frauds, "caught"),
        (found.missed, found.frauds, "missed"),
        (found.false_alarms, found.rows - found.frauds, "false alarms"),
        (found.passed, found.rows - found.frauds, "let pass"),
    ):
        assert f"{counted:,}" in shown
        assert f"{word} ({percent(counted / of)})" in shown
    assert found.caught + found.missed + found.false_alarms + found.passed == found.rows


def test_the_counts_at_the_threshold_are_those_of_the_measures(declared: Published) -> None:
    figures, manifest = declared.report.figures, declared.bundle.manifest
    assert figures is not None
    found = figures.at_threshold
    assert manifest.data is not None
    assert (found.rows, found.frauds) == (manifest.data.validation_rows, manifest.data.validation_frauds)
    assert found.caught / found.frauds == pytest.approx(manifest.metrics["recall_at_threshold"].value)
    assert found.caught / found.flagged == pytest.approx(manifest.metrics["precision_at_threshold"].value)
    assert f"{found.flagged:,} of {found.rows:,}" in declared.words


def test_every_check_and_every_feature_stands_in_it(published: Published) -> None:
    shown = published.words
    for check in published.bundle.manifest.gate.checks:
        assert check.name in shown
        assert " ".join(check.detail.split()) in shown
    for field in published.use_case.features:
        assert field.name in shown


def test_what_is_not_declared_is_said_not_hidden(timeless: Published) -> None:
    shown = timeless.words
    for sentence in (
        "the use case has no time column, so nothing says which record came first",
        "The use case names no group to compare",
        "The use case declares no costs, so some ratios are shown",
        "The use case names no entity",
        "The use case does not say more: write its purpose there",
    ):
        assert sentence in shown


def test_rows_that_are_ordered_by_a_number_are_not_called_random(timeless: Published) -> None:
    ordered = with_learning(timeless.use_case, order_column="amount")
    page = report_again(ordered, timeless.bundle.manifest, timeless.bundle)[REPORT].decode()
    assert "amount says which record came first, but not on which day" in page
    assert "Rows were split in the order of amount, which is no date" in page
    assert "at random: nothing here" in timeless.words
    assert "at random: nothing here" not in page


def test_an_imported_model_says_that_nobody_has_judged_it(imported: Published) -> None:
    shown = imported.words
    assert "No data has judged it here." in shown
    assert "Not judged" in shown
    assert imported.report.figures is None


def test_the_same_inputs_give_the_same_bytes(published: Published) -> None:
    kept = {name: published.bundle.attached(name) for name in (REPORT, REPORT_DATA)}
    assert report_again(published.use_case, published.bundle.manifest, published.bundle) == kept


def test_nothing_that_is_not_known_stands_in_it_as_none(published: Published) -> None:
    assert "None" not in published.words
    assert "nan" not in published.words.split()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("declared", "XGBoost"), ("imported", "XGBoost"), ("unlabelled", "Isolation forest")],
)
def test_its_head_says_which_kind_of_model_it_is_about(name: str, kind: str, request: pytest.FixtureRequest) -> None:
    found: Published = request.getfixturevalue(name)
    (head,) = tree(found.html).iter("header")
    assert f"{found.use_case.name} \u00b7 {kind} \u00b7 " in "".join(head.itertext())


def test_another_threshold_gets_another_page_with_the_importance_that_was_kept(declared: Published) -> None:
    higher = declared.bundle.manifest.model_copy(update={"threshold": 0.9, "threshold_rule": "at:0.9"})
    found = again(declared, higher)
    assert "fixed at 0.9" in found
    assert found != declared.html
    bars = re.compile(r'id="importance-bars-words">(.*?)</desc>')
    assert bars.findall(found) == bars.findall(declared.html) != []


def test_a_threshold_that_nothing_reaches_is_a_page_too(declared: Published) -> None:
    assert "nothing would be flagged" in again(declared, declared.bundle.manifest.model_copy(update={"threshold": 1.0}))


def test_a_forced_gate_is_told_with_its_reason_in_the_version_that_keeps_it(declared: Published) -> None:
    manifest = declared.bundle.manifest
    failed = manifest.gate.model_copy(update={"passed": False, "forced_because": None})
    kept = declared.bundle.attachments | report_again(
        declared.use_case, manifest.model_copy(update={"gate": failed}), declared.bundle
    )
    assert "It cannot lead unless somebody gives a reason" in kept[REPORT].decode()
    forced = manifest.model_copy(
        update={"gate": failed.model_copy(update={"forced_because": "the <old> one is worse"})}
    )
    page = again(declared, forced)
    assert "Failed, forced" in page
    assert "the &lt;old&gt; one is worse" in page


def test_promoting_an_imported_model_makes_its_report_anew(imported: Published) -> None:
    registry, name = imported.registry, imported.use_case.name
    manifest = imported.bundle.manifest.model_copy(
        update={"gate": imported.bundle.manifest.gate.model_copy(update={"forced_because": None})}
    )
    from fraud_detection_api.model.bundle import bundle_files

    files = bundle_files(manifest, imported.bundle.model, imported.bundle.reference, imported.bundle.attachments)
    version = promoted(registry, imported.use_case, registry.publish(name, files), "it served for years")
    assert b"it served for years" in (registry.bundle(name, version).attached(REPORT) or b"")


def test_a_bundle_without_rows_or_report_gets_a_page_from_its_manifest(declared: Published) -> None:
    page = report_files(declared.use_case, declared.bundle.manifest, None, None)[REPORT].decode()
    assert "no curves can be drawn" in page
    assert tree(page).tag == "html"


def test_sixty_features_and_long_lists_of_categories_stay_readable(declared: Published) -> None:
    feature = next(each for each in declared.bundle.manifest.features if each.categories)
    names = tuple(f"category {number} with a rather long name {HOSTILE}" for number in range(3000))
    many = feature.model_copy(update={"categories": names, "histogram_counts": tuple(range(3000))})
    features = tuple(many.model_copy(update={"name": f"feature_{number}"}) for number in range(60))
    page = again(declared, declared.bundle.manifest.model_copy(update={"features": features}))
    assert page.count("and 2,995 more") == 60
    assert len(page) < 600_000
    assert tree(page).tag == "html"


def test_costs_of_the_use_case_are_told_in_money(declared: Published) -> None:
    figures = declared.report.figures
    assert figures is not None
    money = figures.at_threshold.money
    assert money is not None
    assert money.cost == pytest.approx(declared.bundle.manifest.metrics["cost"].value, rel=1e-6)
    assert f"it costs {money.cost:,.0f}, and {money.lost_without:,.0f} without a model" in declared.words
    free = report_again(with_learning(declared.use_case, costs=None), declared.bundle.manifest, declared.bundle)
    assert "Cost with it" in declared.html
    assert b"Cost with it" not in free[REPORT]


def test_the_rows_behind_it_are_kept(published: Published) -> None:
    nothing_judged_it = published.use_case.name in ("credit_accounts", "platform_activity")
    assert (published.bundle.attached(HOLDOUT) is None) == nothing_judged_it
