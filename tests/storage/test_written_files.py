"""Files that are written: their content reads back the same, and they are there whole or not at all."""

import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.storage.files import table_writer, write_table
from tests.running_service import HEARS_SIGINT

NUMBERS = {"number": np.arange(3)}
KILLED_IN_THE_MIDDLE = """
import signal, sys
from pathlib import Path
import numpy as np
from fraud_detection_api.storage.files import table_writer

rows = {"number": np.arange(1000)}
with table_writer(Path(sys.argv[1]), {"number": rows["number"].dtype}) as writer:
    writer.prepared(rows)()
    print("half", flush=True)
    signal.pause()
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def killed_in_the_middle(path: Path, number: int) -> int:
    """Kill a process that is writing the file; its exit code."""
    command = [*HEARS_SIGINT, sys.executable, "-c", KILLED_IN_THE_MIDDLE, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        process.send_signal(number)
        process.communicate()
    return process.returncode


class TestContent:
    @given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
    def test_a_float32_in_csv_is_the_shortest_text_that_reads_back(self, values: list[float]) -> None:
        with TemporaryDirectory() as folder:
            write_table(Path(folder) / "a.csv", {"number": np.array(values, dtype=np.float32)})
            texts = (Path(folder) / "a.csv").read_text().splitlines()[1:]
        for text, value in zip(texts, values, strict=True):
            assert np.float32(text).tobytes() == np.float32(value).tobytes()
            assert len(_digits(text)) <= len(_digits(np.format_float_scientific(np.float32(value), unique=True)))

    def test_every_kind_of_column_is_written_so_that_others_can_read_it(self, tmp_path: Path) -> None:
        columns = {
            "whole": np.array([1, -(2**62)]),
            "number, with a comma": np.array([0.1, np.nan]),
            "flag": np.array([True, False]),
            "text": np.array(['a "b", c\nd', None], dtype=object),
            "day": np.array(["2024-01-31", "NaT"], dtype="datetime64[D]"),
            "moment": np.array(["2024-01-31T10:20:30", "NaT"], dtype="datetime64[us]"),
        }
        write_table(tmp_path / "a.csv", columns)
        assert (tmp_path / "a.csv").read_text() == (
            'whole,"number, with a comma",flag,text,day,moment\n'
            '1,0.1,true,"a ""b"", c\nd",2024-01-31,2024-01-31 10:20:30.000000\n'
            f"{-(2**62)},,false,,,\n"
        )
        write_table(tmp_path / "a.parquet", columns)
        found = parquet.read_table(tmp_path / "a.parquet").to_pylist()
        assert found[0]["text"] == 'a "b", c\nd'
        assert [found[1][name] for name in ("number, with a comma", "text", "day", "moment")] == [None] * 4

    def test_a_single_column_keeps_its_missing_values(self, tmp_path: Path) -> None:
        write_table(tmp_path / "a.csv", {"number": np.array([1.5, np.nan, 2])})
        assert arrow_csv.read_csv(tmp_path / "a.csv").to_pydict() == {"number": [1.5, None, 2.0]}

    @pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
    def test_a_table_without_rows_has_its_columns(self, tmp_path: Path, name: str) -> None:
        write_table(tmp_path / name, {"number": np.empty(0), "text": np.empty(0, dtype=object)})
        read = arrow_csv.read_csv if name.endswith("csv") else parquet.read_table
        assert read(tmp_path / name).column_names == ["number", "text"]


class TestWholeOrNotAtAll:
    @pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
    def test_a_file_replaces_another_only_once_it_is_whole(self, tmp_path: Path, name: str) -> None:
        write_table(tmp_path / name, NUMBERS)
        before = (tmp_path / name).read_bytes()
        with pytest.raises(ZeroDivisionError):
            self.fail_in_the_middle(tmp_path / name)
        assert (tmp_path / name).read_bytes() == before
        assert names(tmp_path) == [name]

    @staticmethod
    def fail_in_the_middle(path: Path) -> None:
        before = path.read_bytes()
        with table_writer(path, {"number": np.dtype(np.int64)}) as writer:
            writer.prepared(NUMBERS)()
            assert path.read_bytes() == before
            raise ZeroDivisionError

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT)])
    @pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
    def test_a_process_that_is_told_to_stop_leaves_nothing(
        self, tmp_path: Path, name: str, number: int, code: int
    ) -> None:
        assert killed_in_the_middle(tmp_path / name, number) == code
        assert names(tmp_path) == []

    def test_what_a_killed_process_left_is_cleaned_by_the_next_run(self, tmp_path: Path) -> None:
        killed_in_the_middle(tmp_path / "a.csv", signal.SIGKILL)
        (left_over,) = names(tmp_path)
        assert left_over.startswith(".a.csv.")
        assert left_over.endswith(".part")
        write_table(tmp_path / "a.csv", NUMBERS)
        assert names(tmp_path) == ["a.csv"]

    def test_two_writers_of_one_file_leave_each_other_alone(self, tmp_path: Path) -> None:
        with table_writer(tmp_path / "a.csv", {"number": np.dtype(np.int64)}) as writer:
            write_table(tmp_path / "a.csv", NUMBERS)
            writer.prepared({"number": np.array([7])})()
        assert (tmp_path / "a.csv").read_text() == "number\n7\n"
        assert names(tmp_path) == ["a.csv"]


class TestRefusals:
    def test_what_cannot_be_written_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "folder.csv").mkdir()
        for path, advice in (
            (tmp_path / "none" / "a.csv", "cannot be written: No such file or directory"),
            (tmp_path / "folder.csv", "is a folder"),
            (tmp_path / "a.xlsx", "ends in .csv, .parquet"),
        ):
            with pytest.raises(DataRefused, match=advice):
                write_table(path, NUMBERS)

    def test_a_full_disk_is_refused(self) -> None:
        with pytest.raises(DataRefused, match="cannot be written"):
            write_table(Path("/proc/a.csv"), NUMBERS)


def _digits(text: str) -> str:
    return text.lower().partition("e")[0].replace(".", "").lstrip("-0").rstrip("0")
