"""Reasons: the strongest first, signs that agree, values as sent, of the scorer that scored."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Barrier
from typing import Any, cast

import numpy as np
import pytest

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.features.rows import RecordReader
from fraud_detection_api.model.runtimes import Contributions, Probabilities, Runtime
from fraud_detection_api.model.scorer import Scorer
from fraud_detection_api.schemas.reasons import Question, ReasonsFor, ReasonsQuery
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.answers import full_answer, whole
from fraud_detection_api.services.bulk_scoring import BulkFiles, score_file
from fraud_detection_api.services.fair_queue import FairQueue
from fraud_detection_api.services.reasons import Reasons, strongest
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.declared_use_cases import EVERY_USE_CASE, LOAN_APPLICATIONS, SCORED_ALONE
from tests.examples import Row, good_rows, records_of
from tests.services.bulk_files import FORMATS, Shop, scored_rows, table_of, write_rows
from tests.small_libraries import library_of
from tests.small_models import SmallModel, values_seen

ALL = ReasonsQuery(20, ReasonsFor.ALL)
EXPLAINED = [use_case for use_case in EVERY_USE_CASE if library_of(use_case).pushed]

Answers = list[dict[str, Any]]


def columns_of(rows: list[Row], use_case: UseCase) -> Columns:
    return RecordReader(use_case).columns(records_of(rows, use_case))


def answers(rows: list[Row], scorer: Scorer, asked: ReasonsQuery, use_case: UseCase = CREDIT_ACCOUNTS) -> Answers:
    """The full answers to these rows; but for their reasons they are what they are without."""
    scored = scored_rows(rows, scorer, use_case)
    found: Answers = json.loads(whole(full_answer(scored, Question(asked), Reasons(use_case))))
    plain = json.loads(whole(full_answer(scored)))
    assert [{name: value for name, value in answer.items() if name != "reasons"} for answer in found] == plain
    return found


def met_by_two(scorer: Scorer) -> Scorer:
    """The same scorer, but its reasons wait until two threads ask for them."""

    @dataclass
    class Meeting:
        runtime: Runtime
        both: Barrier = field(default_factory=lambda: Barrier(2, timeout=30))
        is_quick: bool = True

        def probabilities(self, matrix: Matrix) -> Probabilities:
            return self.runtime.probabilities(matrix)

        def contributions(self, matrix: Matrix) -> Contributions:
            self.both.wait()
            return self.runtime.contributions(matrix)

    runtime = cast("Runtime", scorer.runtime)
    return Scorer(scorer.version, scorer.manifest, scorer.kind, Meeting(runtime))


class TestStrongest:
    def found(self, contributions: list[float], most: int = 20) -> list[tuple[int, float]]:
        positions, weights = strongest(np.array([[*contributions, 7.0]]), most)
        pairs = zip(positions[0].tolist(), weights[0].tolist(), strict=True)
        return [(position, weight) for position, weight in pairs if weight]

    def test_come_first_whichever_way_they_push(self) -> None:
        assert self.found([0.1, -3.0, 2.0]) == [(1, -3.0), (2, 2.0), (0, 0.1)]

    def test_are_as_many_as_were_asked_for(self) -> None:
        assert self.found([0.1, -3.0, 2.0], most=2) == [(1, -3.0), (2, 2.0)]

    def test_of_equals_the_earlier_field_comes_first(self) -> None:
        assert self.found([1.0, -1.0, 1.0, -1.0], most=3) == [(0, 1.0), (1, -1.0), (2, 1.0)]

    def test_what_did_not_push_is_left_out(self) -> None:
        assert self.found([0.0, -0.0, np.nan, np.inf, -np.inf, 1e-9, -1e-9, 0.5]) == [(7, 0.5)]


class TestReasons:
    def test_are_given_for_the_flagged_unless_all_are_meant(
        self, credit_scorer: Scorer, credit_model: SmallModel
    ) -> None:
        found = answers(credit_model.training_rows, credit_scorer, ReasonsQuery(4))
        assert {bool(answer["reasons"]) for answer in found if answer["decision"] == "flagged"} == {True}
        assert {bool(answer["reasons"]) for answer in found if answer["decision"] == "passed"} == {False}
        everywhere = answers(credit_model.training_rows, credit_scorer, ReasonsQuery(4, ReasonsFor.ALL))
        flagged = [(one, other) for one, other in zip(found, everywhere, strict=True) if one["reasons"]]
        assert all(one == other for one, other in flagged)
        assert all(answer["reasons"] for answer in everywhere)

    @pytest.mark.parametrize(
        "use_case", [each for each in EXPLAINED if each in SCORED_ALONE], ids=lambda each: each.name
    )
    def test_show_every_value_as_it_was_sent(self, bulk_shop: Shop, use_case: UseCase) -> None:
        rows = good_rows(use_case, 60, seed=9)
        shown: dict[str, set[type]] = {}
        for row, answer in zip(rows, answers(rows, bulk_shop.scorers[use_case.name], ALL, use_case), strict=True):
            for reason in answer["reasons"]:
                assert reason["value"] == values_seen(row, use_case)[reason["field"]]
                shown.setdefault(reason["field"], set()).add(type(reason["value"]))
        optional = {field.name for field in use_case.features if field.optional}
        assert set(shown) == set(use_case.feature_names)
        assert {name for name, types in shown.items() if type(None) in types} == optional

    def test_a_category_never_seen_shows_its_name_and_weighs_as_a_missing_one(self, bulk_shop: Shop) -> None:
        row = good_rows(LOAN_APPLICATIONS, 1)[0]
        pair = [row | {"employer": "Nobody & Sons"}, row | {"employer": None}]
        unseen, missing = answers(pair, bulk_shop.scorers[LOAN_APPLICATIONS.name], ALL, LOAN_APPLICATIONS)
        (one,) = [reason for reason in unseen["reasons"] if reason["field"] == "employer"]
        (other,) = [reason for reason in missing["reasons"] if reason["field"] == "employer"]
        assert one["value"] == "Nobody & Sons"
        assert other["value"] is None
        assert one["weight"] == other["weight"]
        assert "employer: Nobody & Sons, " in one["sentence"]
        assert "employer is missing: " in other["sentence"]

    def test_are_the_same_alone_and_among_many(self, credit_scorer: Scorer) -> None:
        rows = good_rows(CREDIT_ACCOUNTS, 75, seed=2)
        together = answers(rows, credit_scorer, ALL)
        assert [answers([row], credit_scorer, ALL)[0] for row in rows[::9]] == together[::9]

    def test_are_none_for_no_records(self, credit_scorer: Scorer) -> None:
        assert answers([], credit_scorer, ALL) == []

    def test_beside_other_requests_are_the_same(self, credit_scorer: Scorer, credit_model: SmallModel) -> None:
        scorer = credit_scorer
        columns, queue = columns_of(credit_model.training_rows, CREDIT_ACCOUNTS), FairQueue()
        flagged = scorer.scores(columns).flagged
        queue.note_plain_request()
        crowded = Reasons(CREDIT_ACCOUNTS, queue.slot).texts(columns, scorer, flagged, ALL)
        assert crowded == Reasons(CREDIT_ACCOUNTS).texts(columns, scorer, flagged, ALL)

    def test_are_found_by_several_threads_at_once_where_nothing_else_is_served(self, credit_scorer: Scorer) -> None:
        columns = columns_of(good_rows(CREDIT_ACCOUNTS, 3), CREDIT_ACCOUNTS)
        flagged = credit_scorer.scores(columns).flagged
        scorer, reasons = met_by_two(credit_scorer), Reasons(CREDIT_ACCOUNTS)
        with ThreadPoolExecutor(2) as threads:
            found = list(threads.map(lambda _: reasons.texts(columns, scorer, flagged, ALL), range(2)))
        assert found[0] == found[1] == reasons.texts(columns, credit_scorer, flagged, ALL)


class TestBulk:
    @pytest.mark.parametrize("output", FORMATS)
    @pytest.mark.parametrize(
        "use_case", [each for each in EXPLAINED if each in SCORED_ALONE], ids=lambda use_case: use_case.name
    )
    def test_a_file_gets_the_reasons_that_requests_get(
        self, bulk_shop: Shop, tmp_path: Path, use_case: UseCase, output: str
    ) -> None:
        rows, scorer = good_rows(use_case, 40), bulk_shop.scorers[use_case.name]
        files = BulkFiles(tmp_path / "records.parquet", tmp_path / f"scores{output}")
        write_rows(files.records, rows, use_case)
        found = self.column(files, scorer, use_case, ReasonsQuery(3))
        online = full_answer(scored_rows(rows, scorer, use_case), Question(ReasonsQuery(3)), Reasons(use_case))
        assert [json.loads(text) for text in found] == [answer["reasons"] for answer in json.loads(whole(online))]
        assert "[]" in found

    def test_without_asking_the_file_is_what_it_was(self, credit_scorer: Scorer, tmp_path: Path) -> None:
        files = BulkFiles(tmp_path / "records.csv", tmp_path / "scores.csv")
        write_rows(files.records, good_rows(CREDIT_ACCOUNTS, 5), CREDIT_ACCOUNTS)
        score_file(files, credit_scorer, CREDIT_ACCOUNTS, 100, lambda *_: None)
        assert files.scores.read_text().splitlines()[0] == "customer_id,fraud_probability,decision,model_version"

    def column(self, files: BulkFiles, scorer: Scorer, use_case: UseCase, asked: ReasonsQuery) -> list[str]:
        score_file(files, scorer, use_case, 7, lambda *_: None, asked)
        found: list[str] = table_of(files.scores)["reasons"].to_pylist()
        return found
