"""Tables from CSV and Parquet files, folders and globs: what is read, and what is refused with which advice."""

import gzip
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.storage.files import opened, write_table
from fraud_detection_api.storage.tables import Source, read_table
from tests.storage.account_files import TEXT, WANTED, read, refusal, write


class TestCsv:
    def test_every_kind_is_read_as_itself(self, tmp_path: Path) -> None:
        table, problems = read_table(Source(str(write(tmp_path / "a.csv"))), WANTED)
        assert problems == []
        assert list(table) == list(WANTED)
        assert table["account"].tolist() == [1, 2, 9007199254740993, 4]
        np.testing.assert_array_equal(table["open"], [23, 23, np.nan, np.nan])
        np.testing.assert_array_equal(table["balance"], [12.5, 1000, np.nan, np.nan])
        np.testing.assert_array_equal(table["premium"], [1, 0, np.nan, 1])
        assert table["channel"].tolist() == ["web", 'a "quoted", word', None, "NA"]
        days = ["2024-01-31", "2024-01-31", "NaT", "2024-01-31T10:20:30"]
        np.testing.assert_array_equal(table["day"], np.array(days, dtype="datetime64[us]"))

    def test_whole_columns_have_their_own_types(self, tmp_path: Path) -> None:
        table, _ = read_table(Source(str(write(tmp_path / "a.csv", "account,premium\n1,true\n2,0\n"))), WANTED)
        assert [table["account"].dtype, table["premium"].dtype] == [np.int64, np.bool_]

    @pytest.mark.parametrize("missing", ["", "NA", "NaN", "nan", "null", "NULL", " NA ", '""'])
    def test_a_missing_number_has_several_spellings(self, tmp_path: Path, missing: str) -> None:
        found = read(write(tmp_path / "a.csv", f"account,balance\n1,{missing}\n2,5\n"))
        np.testing.assert_array_equal(found["balance"], [np.nan, 5])

    @pytest.mark.parametrize("spelling", ["23 apples", "0x10", "1_000", "1,5", "--1", "1e", "ten", "\u0663", "1e5e5"])
    def test_what_is_no_number_is_a_problem_with_its_row_and_value(self, tmp_path: Path, spelling: str) -> None:
        text = f'account,open,balance\n1,1,5\n2,"{spelling}","{spelling}"\n3,3,7\n'
        table, problems = read_table(Source(str(write(tmp_path / "a.csv", text))), WANTED)
        assert [(problem.row, problem.field, problem.value) for problem in problems] == [
            (1, "open", spelling),
            (1, "balance", spelling),
        ]
        assert {problem.message for problem in problems} == {
            "Input should be a valid integer",
            "Input should be a valid number",
        }
        np.testing.assert_array_equal(table["open"], [1, np.nan, 3])
        np.testing.assert_array_equal(table["balance"], [5, np.nan, 7])

    @pytest.mark.parametrize(
        ("column", "spelling"),
        [
            ("premium", "yes"),
            ("premium", "2"),
            ("day", "31.01.2024"),
            ("day", "2024-02-30"),
            ("day", "20241301"),
            ("day", "2024-W01-1"),
        ],
    )
    def test_what_is_no_boolean_or_date_is_a_problem(self, tmp_path: Path, column: str, spelling: str) -> None:
        text = f"account,{column}\n1,\n2,{spelling}\n"
        _, problems = read_table(Source(str(write(tmp_path / "a.csv", text))), WANTED)
        assert [(problem.row, problem.field, problem.value) for problem in problems] == [(1, column, spelling)]

    def test_large_identifiers_stay_exact_beside_other_spellings(self, tmp_path: Path) -> None:
        found = read(write(tmp_path / "a.csv", "account,open\n9007199254740993,1\n4.0,2\n"))
        assert found["account"] == [9007199254740993, 4]

    def test_a_moment_with_a_zone_is_read_in_utc(self, tmp_path: Path) -> None:
        table, _ = read_table(
            Source(str(write(tmp_path / "a.csv", "account,day\n1,2024-01-31T23:30:00-02:00\n"))), WANTED
        )
        assert str(table["day"][0]) == "2024-02-01T01:30:00.000000"

    @pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
    def test_every_line_end_blank_lines_and_a_byte_order_mark_are_read(self, tmp_path: Path, line_end: str) -> None:
        text = "\ufeff" + TEXT.replace("\n", line_end * 2)
        assert str(read(write(tmp_path / "a.csv", text))) == str(read(write(tmp_path / "b.csv")))

    @pytest.mark.parametrize("delimiter", [";", "\t", "|"])
    def test_other_delimiters_are_recognised(self, tmp_path: Path, delimiter: str) -> None:
        found = read(write(tmp_path / "a.csv", f"account{delimiter}balance\n1{delimiter}2.5\n"))
        assert found == {"account": [1], "balance": [2.5]}

    def test_compressed_files_are_read(self, tmp_path: Path) -> None:
        plain = read(write(tmp_path / "a.csv"))
        write(tmp_path / "b.csv.gz", gzip.compress(TEXT.encode()))
        with pa.OSFile(str(tmp_path / "c.csv.zst"), "wb") as raw, pa.CompressedOutputStream(raw, "zstd") as file:
            file.write(TEXT.encode())
        assert str(read(tmp_path / "b.csv.gz")) == str(plain)
        assert str(read(tmp_path / "c.csv.zst")) == str(plain)

    def test_a_file_with_nothing_but_a_header_is_an_empty_table(self, tmp_path: Path) -> None:
        table, _ = read_table(Source(str(write(tmp_path / "a.csv", TEXT.splitlines()[0]))), WANTED)
        assert [(len(column), column.dtype.kind) for column in table.values()] == [(0, kind) for kind in "iifbOM"]

    def test_a_row_with_too_few_or_too_many_values_is_a_problem(self, tmp_path: Path) -> None:
        text = "account,channel,balance\n1,web,5\n2,web\n\n3,web,6,7\n4,caf\u00e9,8\n"
        table, problems = read_table(Source(str(write(tmp_path / "a.csv", text))), WANTED)
        assert [(problem.row, problem.message) for problem in problems] == [
            (1, "3 values expected, got 2"),
            (2, "3 values expected, got 4"),
        ]
        np.testing.assert_array_equal(table["balance"], [5, np.nan, np.nan, 8])
        assert table["channel"].tolist() == ["web", None, None, "caf\u00e9"]

    def test_a_row_longer_than_a_block_is_read(self, tmp_path: Path) -> None:
        long = "long\n" * 100_000
        text = f'account,channel\n1,"{long}"\n2,web\n'
        with opened(write(tmp_path / "a.csv", text), WANTED, 1) as table:
            found = [batch.read()[0]["channel"].tolist() for batch in table.batches()]
        assert [text for texts in found for text in texts] == [long, "web"]

    @pytest.mark.parametrize(
        ("content", "advice"),
        [
            (b"", "is empty"),
            (b"\n\n", "is empty"),
            ("account,day".encode("utf-16"), "UTF-8"),
            (b"PK\x03\x04\x00\x00", "save it as CSV"),
            (b"account,channel\n1,web\n2,caf\xe9\n", "Line 3"),
            (b"account,account,channel\n1,2,3\n", "more than one column account"),
            (b'account,channel\n1,web\n2,5" pipe\n', "line 3: a quote"),
            (b'account,channel\n1,web\n2,"web\n3,web\n', "never closed"),
        ],
    )
    def test_a_file_that_cannot_be_used_is_refused_with_advice(
        self, tmp_path: Path, content: bytes, advice: str
    ) -> None:
        assert advice in refusal(write(tmp_path / "a.csv", content))

    def test_a_broken_archive_is_refused(self, tmp_path: Path) -> None:
        assert "cannot be read" in refusal(write(tmp_path / "a.csv.gz", b"no archive"))
        assert "cannot be read" in refusal(write(tmp_path / "b.csv.gz", gzip.compress(TEXT.encode() * 50)[:-20]))


class TestParquet:
    def test_it_is_read_as_the_same_csv_is(self, tmp_path: Path) -> None:
        from_csv, _ = read_table(Source(str(write(tmp_path / "a.csv"))), WANTED)
        write_table(tmp_path / "a.parquet", from_csv)
        from_parquet, problems = read_table(Source(str(tmp_path / "a.parquet")), WANTED)
        assert problems == []
        for name, column in from_csv.items():
            np.testing.assert_array_equal(from_parquet[name], column)
            assert from_parquet[name].dtype == column.dtype

    def test_what_other_programs_write_is_read_by_kind(self, tmp_path: Path) -> None:
        columns = {
            "account": pa.array([1.0, 2.0]),
            "open": pa.array([7, None], pa.uint8()),
            "balance": pa.array(["0.10", None]).cast(pa.decimal128(20, 2)),
            "premium": pa.array([1, 0], pa.int32()),
            "channel": pa.array(["web", None]).dictionary_encode(),
            "day": pa.array([20240131, None], pa.int64()),
        }
        parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
        table, problems = read_table(Source(str(tmp_path / "a.parquet")), WANTED)
        assert problems == []
        assert table["account"].dtype == np.int64
        np.testing.assert_array_equal(table["open"], [7, np.nan])
        np.testing.assert_array_equal(table["balance"], [0.1, np.nan])
        assert table["premium"].tolist() == [True, False]
        assert table["channel"].tolist() == ["web", None]
        np.testing.assert_array_equal(table["day"], np.array(["2024-01-31", "NaT"], dtype="datetime64[us]"))

    def test_categories_of_other_than_text_are_read_as_what_they_stand_for(self, tmp_path: Path) -> None:
        columns = {
            "open": pa.array([7, 8]).dictionary_encode(),
            "channel": pa.array([1, 2]),
            "day": pa.array(["2024-01-31", None]),
        }
        parquet.write_table(pa.table(columns | {"day": columns["day"].dictionary_encode()}), tmp_path / "a.parquet")
        table, _ = read_table(Source(str(tmp_path / "a.parquet")), WANTED)
        assert [table["open"].tolist(), table["channel"].tolist()] == [[7, 8], ["1", "2"]]
        np.testing.assert_array_equal(table["day"], np.array(["2024-01-31", "NaT"], dtype="datetime64[us]"))

    def test_columns_of_nothing_are_missing_values_of_their_kind(self, tmp_path: Path) -> None:
        parquet.write_table(pa.table({name: pa.nulls(2) for name in WANTED}), tmp_path / "a.parquet")
        table, _ = read_table(Source(str(tmp_path / "a.parquet")), WANTED)
        assert [column.dtype.kind for column in table.values()] == list("ffffOM")

    @pytest.mark.parametrize(
        ("name", "values", "held"),
        [
            ("balance", ["5"], "string"),
            ("open", [True], "bool"),
            ("premium", ["true"], "string"),
            ("channel", [1.5], "double"),
            ("day", [1.5], "double"),
        ],
    )
    def test_a_column_of_another_type_is_refused_with_both_types(
        self, tmp_path: Path, name: str, values: list[object], held: str
    ) -> None:
        parquet.write_table(pa.table({name: values}), tmp_path / "a.parquet")
        assert f"Column {name} holds {held}, but the record says {WANTED[name]}" in refusal(tmp_path / "a.parquet")

    def test_a_text_that_is_no_date_is_a_problem(self, tmp_path: Path) -> None:
        parquet.write_table(pa.table({"day": ["2024-01-31", "soon"]}), tmp_path / "a.parquet")
        _, problems = read_table(Source(str(tmp_path / "a.parquet")), WANTED)
        assert [(problem.row, problem.field, problem.value) for problem in problems] == [(1, "day", "soon")]

    def test_unsigned_numbers_beyond_64_bits_are_read_as_floats(self, tmp_path: Path) -> None:
        parquet.write_table(pa.table({"open": pa.array([2**64 - 1], pa.uint64())}), tmp_path / "a.parquet")
        assert read(tmp_path / "a.parquet") == {"open": [2.0**64]}

    def test_what_is_no_parquet_is_refused(self, tmp_path: Path) -> None:
        assert "is not a Parquet file" in refusal(write(tmp_path / "a.parquet"))
        parquet.write_table(pa.table({"account": np.arange(100_000)}), tmp_path / "b.parquet")
        content = bytearray((tmp_path / "b.parquet").read_bytes())
        content[100:50_000] = bytes(49_900)
        assert "cannot be read after row" in refusal(write(tmp_path / "b.parquet", bytes(content)))

    def test_two_columns_of_one_name_are_refused(self, tmp_path: Path) -> None:
        parquet.write_table(
            pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["open", "open"]), tmp_path / "a.parquet"
        )
        assert "more than one column open" in refusal(tmp_path / "a.parquet")


class TestSeveralFiles:
    def test_a_folder_and_a_glob_are_read_in_the_order_of_their_names(self, tmp_path: Path) -> None:
        for name, row in (
            ("2024-02.csv", "2,5"),
            ("2024-01.csv", "1,\n7,x"),
            ("_old.csv", "9,9"),
            (".part.csv", "8,8"),
        ):
            write(tmp_path / name, f"account,open\n{row}\n")
        (tmp_path / "_SUCCESS").touch()
        for location in (tmp_path, tmp_path / "2024-*.csv"):
            table, problems = read_table(Source(str(location)), WANTED)
            assert table["account"].tolist() == [1, 7, 2]
            assert [(problem.row, problem.value) for problem in problems] == [(1, "x")]

    def test_what_is_not_there_is_refused(self, tmp_path: Path) -> None:
        for location in (tmp_path, tmp_path / "none.csv", tmp_path / "*.csv"):
            assert f"There is no CSV or Parquet file at {location}" in refusal(location)

    def test_mixed_formats_are_refused(self, tmp_path: Path) -> None:
        write(tmp_path / "a.csv")
        write_table(tmp_path / "b.parquet", {"account": np.arange(3)})
        assert "holds CSV and Parquet files" in refusal(tmp_path)

    def test_files_with_differing_columns_are_refused(self, tmp_path: Path) -> None:
        write(tmp_path / "a.csv", "account,open\n1,2\n")
        write(tmp_path / "b.csv", "account,close\n1,2\n")
        assert "column open" in refusal(tmp_path)

    def test_an_unknown_ending_and_a_table_in_a_file_are_refused(self, tmp_path: Path) -> None:
        assert "ends in .csv" in refusal(write(tmp_path / "a.xlsx"))
        with pytest.raises(DataRefused, match="needs a database URL"):
            read_table(Source(str(write(tmp_path / "a.csv")), table="accounts"), WANTED)

    @pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable for root")
    def test_a_file_without_permission_is_refused(self, tmp_path: Path) -> None:
        write(tmp_path / "a.csv").chmod(0)
        assert "Permission denied" in refusal(tmp_path / "a.csv")
