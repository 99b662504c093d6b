"""fraud score as its user runs it: a process, a bar, exit codes, kills."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fraud_detection_api.cli.main import app
from tests.declared_use_cases import DECLARED_HERE, LOAN_APPLICATIONS
from tests.examples import good_rows
from tests.running_service import service_environment
from tests.services.bulk_files import (
    BAD_CSV,
    PEAK_OF_COMMAND,
    Shop,
    command,
    names,
    some_accounts,
    table_of,
    write_rows,
)


class TestCommand:
    def test_it_scores_a_file_and_says_so(self, bulk_shop: Shop, tmp_path: Path) -> None:
        rows = good_rows(LOAN_APPLICATIONS, 20)
        write_rows(tmp_path / "records.csv", [*rows, rows[0] | {"months": -1}], LOAN_APPLICATIONS)
        environment = service_environment({"use_cases": DECLARED_HERE, "models": bulk_shop.models})
        words = command(LOAN_APPLICATIONS.name, "--input", str(tmp_path / "records.csv"), "--output", "scores.parquet")
        done = subprocess.run(
            [*words, "--rejects", "rejects.csv"],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("Scored 20 records with 1-")
        assert "1 rows could not be scored" in done.stdout
        assert names(tmp_path) == ["records.csv", "rejects.csv", "scores.parquet"]

    def test_it_writes_reasons_where_they_are_asked_for(self, bulk_shop: Shop, tmp_path: Path) -> None:
        some_accounts(tmp_path / "records.csv", 200)
        words = ["score", "credit_accounts", f"--input={tmp_path / 'records.csv'}", f"--models={bulk_shop.models}"]
        reasons = {"plain": [], "none": ["--reasons=0"], "two": ["--reasons=2"]}
        reasons["all"] = ["--reasons=2", "--reasons-for=all"]
        for name, options in reasons.items():
            done = CliRunner().invoke(app, [*words, f"--output={tmp_path / name}.csv", *options])
            assert done.exit_code == 0, done.output
        plain, none, two, whole = (table_of(tmp_path / f"{name}.csv") for name in ("plain", "none", "two", "all"))
        assert plain.equals(none)
        assert "reasons" not in plain.column_names
        assert plain.equals(two.drop_columns("reasons"))
        assert {len(json.loads(text)) for text in whole["reasons"].to_pylist()} == {2}
        flagged = [decision == "flagged" for decision in two["decision"].to_pylist()]
        assert [text != "[]" for text in two["reasons"].to_pylist()] == flagged

    def test_bad_rows_end_it_with_exit_code_2(self, bulk_shop: Shop, tmp_path: Path) -> None:
        (tmp_path / "records.csv").write_text(BAD_CSV)
        words = command("credit_accounts", "--input", "records.csv", "--output", "scores.csv", "--models")
        done = subprocess.run(
            [*words, str(bulk_shop.models)], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert "line 4, number_of_open_accounts: Input should be a valid integer" in done.stderr
        assert "Traceback" not in done.stderr
        assert names(tmp_path) == ["records.csv"]

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9)])
    def test_killed_in_the_middle_it_leaves_no_scores(
        self, bulk_shop: Shop, tmp_path: Path, number: int, code: int
    ) -> None:
        some_accounts(tmp_path / "records.csv", 200_000)
        words = ["credit_accounts", "--input", "records.csv", "--output", "scores.csv", "--batch-rows", "5"]
        with subprocess.Popen(command(*words, "--models", str(bulk_shop.models)), cwd=tmp_path) as process:
            while process.poll() is None and not any(
                path.stat().st_size > 10_000 for path in tmp_path.glob(".scores*")
            ):
                time.sleep(0.005)
            process.send_signal(number)
        assert process.returncode == code
        left = [name for name in names(tmp_path) if name != "records.csv"]
        assert left == [] if number == signal.SIGTERM else left[0].endswith(".part")

    def test_memory_does_not_grow_with_the_file(self, bulk_shop: Shop, tmp_path: Path) -> None:
        peaks = []
        for rows in (50_000, 800_000):
            some_accounts(tmp_path / "records.csv", rows)
            words = ["credit_accounts", "--input", "records.csv", "--output", "scores.csv", "--batch-rows", "5000"]
            measured = [sys.executable, "-c", PEAK_OF_COMMAND, "score", *words, "--models", str(bulk_shop.models)]
            said = subprocess.run(measured, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
            peaks.append(int(said.splitlines()[-1]) * 1024)
        assert peaks[1] < peaks[0] + 20_000_000  # the larger file alone has 20 MB more, its columns 30 MB
