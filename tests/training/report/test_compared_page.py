"""The report of a model whose kind was chosen: the comparison stays with it, and what cannot be known is said."""

from dataclasses import replace

import orjson
import pytest

from fraud_detection_api.errors import BundleRefused
from fraud_detection_api.model.bundle import COMPARISON, REPORT, bundle_files
from fraud_detection_api.training.compared import MEASURED, Compared
from fraud_detection_api.training.proof.threshold import fixed
from fraud_detection_api.training.report.kinds import kind_words
from fraud_detection_api.training.report.making import report_files
from fraud_detection_api.training.threshold_change import ThresholdChange
from tests.training.report.conftest import COMPARED, Published, tree


def test_every_kind_stands_in_the_table_and_in_the_plot_best_first(compared: Published) -> None:
    comparison = compared.report.comparison
    assert comparison is not None
    assert {model.kind for model in comparison.models} == set(COMPARED.learning.models)
    (section,) = (part for part in tree(compared.html).iter("section") if part.get("id") == "comparison")
    rows = ["".join(row.itertext()) for row in section.iter("tr")][1:]
    assert [row.startswith(("Support vector machine", "Logistic regression")) for row in rows] == [True, True]
    for row, model in zip(rows, comparison.models, strict=True):
        for name in MEASURED:
            assert f"{model.mean(name):.4f}" in row
    assert "3 folds at random" in compared.words
    assert {"Support vector machine", "Logistic regression"} <= {text.text for text in section.iter("text")}


def test_only_the_chosen_kind_is_marked_and_it_is_the_models_own(compared: Published) -> None:
    comparison, manifest = compared.report.comparison, compared.bundle.manifest
    assert comparison is not None
    assert comparison.models[0].kind == manifest.parameters["model"]
    (section,) = (part for part in tree(compared.html).iter("section") if part.get("id") == "comparison")
    marked = ["".join(row.itertext()) for row in section.iter("tr") if row.find(".//span[@class='good']") is not None]
    assert len(marked) == 1
    assert marked[0].lower().startswith(kind_words(manifest))
    assert len([dot for dot in section.iter("circle") if dot.get("class") == "f1"]) == 1


def test_it_names_its_kind_and_says_why_nothing_explains_it(compared: Published) -> None:
    kind = kind_words(compared.bundle.manifest)
    (head,) = tree(compared.html).iter("header")
    assert f"\u00b7 {kind.capitalize()} \u00b7" in "".join(head.itertext())
    assert compared.report.importance is None
    assert "ONNX does not say what each feature adds" in compared.words
    assert f"{kind}, served as ONNX" in compared.words
    assert "Share of influence" not in compared.words


def test_the_comparison_is_that_of_the_bundle_and_outlives_another_threshold(compared: Published) -> None:
    change = ThresholdChange(compared.registry, compared.use_case, compared.bundle.version)
    made = change.published(change.chosen(fixed(0.7)))
    later = replace(compared, bundle=compared.registry.bundle(compared.use_case.name, made.version))
    assert later.report.comparison == compared.report.comparison
    assert later.bundle.attached(COMPARISON) == compared.bundle.attached(COMPARISON)
    assert "comparison" in later.sections
    assert "fixed at 0.7" in later.words


def test_a_model_that_was_asked_for_has_no_comparison(timeless: Published) -> None:
    assert timeless.report.comparison is None
    assert "comparison" not in timeless.sections


def test_remarks_are_told_once_and_escaped(compared: Published) -> None:
    kept = orjson.loads(compared.bundle.attached(COMPARISON) or b"")
    for model in kept["models"]:
        model["remarks"] = ["trained on <10,000> of 60,000 rows"] * 3
    page = report_files(compared.use_case, compared.bundle.manifest, None, None, orjson.dumps(kept))[REPORT].decode()
    assert page.count("Support vector machine: trained on &lt;10,000&gt; of 60,000 rows.") == 1


def test_a_comparison_that_cannot_be_read_is_refused(compared: Published) -> None:
    bundle = compared.bundle
    attached = bundle.attachments | {COMPARISON: b'{"models": 3}'}
    files = bundle_files(bundle.manifest, bundle.model, bundle.reference, attached)
    version = compared.registry.publish(compared.use_case.name, files)
    change = ThresholdChange(compared.registry, compared.use_case, version)
    with pytest.raises(BundleRefused, match=r"comparison\.json cannot be read"):
        change.published(change.chosen(fixed(0.7)))


def test_a_fold_without_a_figure_leaves_the_kind_without_a_mean() -> None:
    model = Compared("svm", ({"brier": None, "roc_auc": 0.5}, {"brier": 0.1, "roc_auc": 0.7}), ("", "slow"))
    assert (model.mean("brier"), model.spread("brier"), model.formatted("brier")) == (None, None, "")
    assert model.formatted("roc_auc") == "0.6000 \u00b1 0.1414"
    assert model.ends("roc_auc") == (0.5, 0.7)
    assert model.remark == "slow"
