"""Bulk scoring: the online scores for whole files, all or nothing, with bad rows named or put aside."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.model.scorer import Scorer, load_scorer
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.answers import full_answer, whole
from fraud_detection_api.services.bulk_scoring import BulkFiles, BulkSummary, score_file
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.declared_use_cases import LOAN_APPLICATIONS, SCORED_ALONE
from tests.examples import Row, good_rows
from tests.services.bulk_files import (
    BAD_CSV,
    FORMATS,
    HEADER,
    Shop,
    names,
    refusal,
    scored,
    scored_rows,
    some_accounts,
    table_of,
    write_rows,
)
from tests.small_libraries import library_of
from tests.small_models import bundle_of, small_model
from tests.storage.loan_tables import csv_of

NAMELESS_LOANS = replace(LOAN_APPLICATIONS, name="nameless_loans", identifier=None)


def known_by(use_case: UseCase) -> tuple[str, ...]:
    """What tells a line's record: its identifier, or all that it holds."""
    return (use_case.identifier,) if use_case.identifier else use_case.feature_names


class TestScores:
    @pytest.mark.parametrize("output", FORMATS)
    @pytest.mark.parametrize("records", FORMATS)
    @pytest.mark.parametrize("use_case", SCORED_ALONE, ids=lambda use_case: use_case.name)
    def test_a_file_gets_the_scores_that_requests_get(
        self, bulk_shop: Shop, tmp_path: Path, use_case: UseCase, records: str, output: str
    ) -> None:
        rows, scorer = good_rows(use_case, 50), bulk_shop.scorers[use_case.name]
        files = BulkFiles(tmp_path / f"records{records}", tmp_path / f"scores{output}")
        write_rows(files.records, rows, use_case)
        assert scored(files, scorer, use_case) == BulkSummary(50, 0, ())
        asked = scored_rows(rows, scorer, use_case)
        online = orjson.loads(whole(full_answer(asked)))
        found = table_of(files.scores)
        said = (*library_of(use_case).figures, "decision", "model_version")
        assert set(found.column_names) == {*known_by(use_case), *said}
        scores = np.array(found[use_case.score.name].to_pylist(), dtype=np.float32)
        assert scores.tobytes() == asked.scores.values.tobytes()
        for name in [name for name in said if name != use_case.score.name]:
            assert found[name].to_pylist() == [answer[name] for answer in online]
        for name in known_by(use_case):
            assert found[name].to_pylist() == [row[name] for row in rows]

    @pytest.mark.parametrize("records", FORMATS)
    def test_without_an_identifier_a_line_repeats_its_record_of_whatever_kinds(
        self, tmp_path: Path, records: str
    ) -> None:
        rows = good_rows(NAMELESS_LOANS, 60, seed=3)
        scorer = load_scorer(bundle_of(small_model(NAMELESS_LOANS)), NAMELESS_LOANS)
        files = BulkFiles(tmp_path / f"records{records}", tmp_path / "scores.parquet")
        write_rows(files.records, rows, NAMELESS_LOANS)
        assert scored(files, scorer, NAMELESS_LOANS) == BulkSummary(60, 0, ())
        written = table_of(files.scores).to_pylist()
        for row, line in zip(rows, written, strict=True):
            for field in NAMELESS_LOANS.fields:
                found = line[field.name]
                days = field.kind is Kind.DATE and found is not None
                assert (str(found.date()) if days else found) == row[field.name], field.name
        assert any(row["last_default"] is None for row in rows)
        expected = scored_rows(rows, scorer, NAMELESS_LOANS).scores.values
        assert np.array([line["fraud_probability"] for line in written], np.float32).tobytes() == expected.tobytes()

    def test_a_csv_holds_the_very_digits_of_the_online_answer(self, credit_scorer: Scorer, tmp_path: Path) -> None:
        rows = good_rows(CREDIT_ACCOUNTS, 200)
        files = BulkFiles(tmp_path / "records.csv", tmp_path / "scores.csv")
        write_rows(files.records, rows, CREDIT_ACCOUNTS)
        scored(files, credit_scorer)
        online = orjson.loads(whole(full_answer(scored_rows(rows, credit_scorer, CREDIT_ACCOUNTS))))
        lines = files.scores.read_text().splitlines()[1:]
        assert [float(line.split(",")[1]) for line in lines] == [answer["fraud_probability"] for answer in online]

    @pytest.mark.parametrize("batch_rows", [1, 10, 100_000])
    def test_batches_of_any_size_give_the_same_file(
        self, credit_scorer: Scorer, tmp_path: Path, batch_rows: int
    ) -> None:
        some_accounts(tmp_path / "records.csv", 500)
        for size, name in ((64, "one.csv"), (batch_rows, "other.csv")):
            scored(BulkFiles(tmp_path / "records.csv", tmp_path / name), credit_scorer, batch_rows=size)
        assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()

    @pytest.mark.parametrize("suffix", FORMATS)
    def test_progress_grows_to_the_end(self, credit_scorer: Scorer, tmp_path: Path, suffix: str) -> None:
        heard: list[tuple[int, int]] = []

        def hears(done: int, size: int) -> None:
            heard.append((done, size))

        some_accounts(tmp_path / f"records{suffix}", 5_000)
        files = BulkFiles(tmp_path / f"records{suffix}", tmp_path / "scores.csv")
        score_file(files, credit_scorer, CREDIT_ACCOUNTS, 100, hears)
        assert heard == sorted(heard)
        assert len(heard) > 1
        assert heard[-1][0] == heard[-1][1]

    def test_a_file_without_rows_gives_a_file_without_scores(self, credit_scorer: Scorer, tmp_path: Path) -> None:
        (tmp_path / "records.csv").write_text(HEADER)
        assert scored(BulkFiles(tmp_path / "records.csv", tmp_path / "scores.parquet"), credit_scorer).scored == 0
        assert table_of(tmp_path / "scores.parquet").num_rows == 0

    def test_an_optional_column_may_be_absent_and_is_named(self, bulk_shop: Shop, tmp_path: Path) -> None:
        rows = [row | {"income": None} for row in good_rows(LOAN_APPLICATIONS, 20)]
        scorer = bulk_shop.scorers[LOAN_APPLICATIONS.name]
        kept = [field.name for field in LOAN_APPLICATIONS.fields if field.name != "income"]
        (tmp_path / "without.csv").write_bytes(csv_of(rows, kept))
        (tmp_path / "with.csv").write_bytes(csv_of(rows, [*kept, "income"]))
        for name, absent in (("without", ("income",)), ("with", ())):
            files = BulkFiles(tmp_path / f"{name}.csv", tmp_path / f"{name}-scores.csv")
            assert scored(files, scorer, LOAN_APPLICATIONS).absent == absent
        assert (tmp_path / "without-scores.csv").read_bytes() == (tmp_path / "with-scores.csv").read_bytes()


BAD_LINES = [
    (4, "number_of_open_accounts", "Input should be a valid integer", "23 apples"),
    (7, "", "5 values expected, got 4", "4,1,1,1"),
    (8, "customer_id", "A value is required", None),
    (8, "total_credit_limit", "Input should be less than or equal to 1e+12", "1e13"),
    (8, "number_of_accounts_in_arrears", "More accounts in arrears than open accounts", "24"),
]


class TestBadRows:
    @pytest.mark.parametrize("line_end", ["\n", "\r\n"])
    @pytest.mark.parametrize("rejects", ["rejects.csv", "rejects.parquet"])
    def test_they_are_put_aside_with_their_lines_and_the_others_are_scored(
        self, credit_scorer: Scorer, tmp_path: Path, rejects: str, line_end: str
    ) -> None:
        files = BulkFiles(tmp_path / "records.csv", tmp_path / "scores.csv", tmp_path / rejects)
        files.records.write_bytes(BAD_CSV.replace("\n", line_end).encode())
        assert scored(files, credit_scorer, batch_rows=100) == BulkSummary(3, 3, ())
        found = [tuple(row.values()) for row in table_of(tmp_path / rejects).to_pylist()]
        spelled = {
            (each[0], each[1] or ""): (each[2], None if each[3] in ("", None) else str(each[3])) for each in found
        }
        assert spelled == {(line, field): (words, value) for line, field, words, value in BAD_LINES}
        assert table_of(files.scores)["customer_id"].to_pylist() == [1, 9007199254740993, 6]

    def test_parquet_rows_are_counted_from_one(self, credit_scorer: Scorer, tmp_path: Path) -> None:
        rows: list[Row] = [*good_rows(CREDIT_ACCOUNTS, 30)]
        rows[20] = rows[20] | {"total_balance": None}
        rows[29] = rows[29] | {"number_of_open_accounts": 1.5}
        files = BulkFiles(tmp_path / "records.parquet", tmp_path / "scores.csv", tmp_path / "rejects.csv")
        write_rows(files.records, rows, CREDIT_ACCOUNTS)
        assert scored(files, credit_scorer).rejected == 2
        found = table_of(tmp_path / "rejects.csv").to_pylist()
        assert [(each["line"], each["field"], each["value"]) for each in found] == [
            (21, "total_balance", None),
            (30, "number_of_open_accounts", 1.5),
        ]

    def test_without_a_place_for_them_they_end_it_with_their_lines(self, credit_scorer: Scorer, tmp_path: Path) -> None:
        (tmp_path / "records.csv").write_text(BAD_CSV)
        message = refusal(BulkFiles(tmp_path / "records.csv", tmp_path / "scores.csv"), credit_scorer)
        first, *lines = message.splitlines()
        assert first.endswith("5 problem(s); fix them, or put such rows aside with --rejects FILE:")
        assert lines == [f"  line {line}{field and ', ' + field}: {words}" for line, field, words, _ in BAD_LINES]

    def test_no_more_than_the_first_twenty_are_named(self, credit_scorer: Scorer, tmp_path: Path) -> None:
        (tmp_path / "records.csv").write_text(HEADER + "1,many,1,1,1\n" * 10_000)
        message = refusal(BulkFiles(tmp_path / "records.csv", tmp_path / "scores.csv"), credit_scorer)
        assert "the first 20 problem(s)" in message
        assert len(message.splitlines()) == 21
        assert message.splitlines()[-1].startswith("  line 21, number_of_open_accounts: ")

    def test_without_bad_rows_the_rejects_are_an_empty_file(self, credit_scorer: Scorer, tmp_path: Path) -> None:
        some_accounts(tmp_path / "records.csv", 10)
        scored(BulkFiles(tmp_path / "records.csv", tmp_path / "scores.csv", tmp_path / "rejects.csv"), credit_scorer)
        assert (tmp_path / "rejects.csv").read_text() == "line,field,problem,value\n"

    def test_a_file_of_nothing_but_bad_rows_gives_an_empty_file_of_scores(
        self, credit_scorer: Scorer, tmp_path: Path
    ) -> None:
        (tmp_path / "records.csv").write_text(HEADER + ",1,1,1,1\n" * 30)
        files = BulkFiles(tmp_path / "records.csv", tmp_path / "scores.csv", tmp_path / "rejects.csv")
        assert scored(files, credit_scorer) == BulkSummary(0, 30, ())


class TestRefusals:
    def test_a_missing_column_is_refused_with_those_that_there_are(self, credit_scorer: Scorer, tmp_path: Path) -> None:
        (tmp_path / "records.csv").write_text("customer_id,balance\n1,2\n")
        message = refusal(BulkFiles(tmp_path / "records.csv", tmp_path / "scores.csv"), credit_scorer)
        assert "has no column number_of_open_accounts, total_credit_limit" in message
        assert message.endswith("it has: customer_id, balance.")

    def test_a_file_that_is_not_there_is_refused(self, credit_scorer: Scorer, tmp_path: Path) -> None:
        for suffix in FORMATS:
            files = BulkFiles(tmp_path / f"none{suffix}", tmp_path / "scores.csv")
            assert f"There is no file {files.records}" in refusal(files, credit_scorer)

    def test_one_file_for_two_purposes_is_refused(self, credit_scorer: Scorer, tmp_path: Path) -> None:
        some_accounts(tmp_path / "a.csv", 10)
        for files in (
            BulkFiles(tmp_path / "a.csv", tmp_path / "a.csv"),
            BulkFiles(tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "." / "b.csv"),
        ):
            assert "different files" in refusal(files, credit_scorer)

    @pytest.mark.parametrize("suffix", FORMATS)
    def test_a_file_that_changes_while_it_is_read_is_refused(
        self, credit_scorer: Scorer, tmp_path: Path, suffix: str
    ) -> None:
        files = BulkFiles(tmp_path / f"records{suffix}", tmp_path / "scores.csv")
        some_accounts(files.records, 20_000)

        def append(*_: int) -> None:
            with files.records.open("ab") as file:
                file.write(b"1,23,12345,200000,2\n")

        with pytest.raises(DataRefused, match="was changed while it was read"):
            score_file(files, credit_scorer, CREDIT_ACCOUNTS, 1_000, append)
        assert names(tmp_path) == [f"records{suffix}"]
