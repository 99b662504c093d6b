"""Log lines: one event a line, readable by people, and nothing where there is nothing to say."""

import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from loguru import logger

from fraud_detection_api.monitoring.logs import configure_logs
from tests.running_service import service_environment
from tests.training.fitting import accounts_file

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}"


def line_of(capsys: pytest.CaptureFixture[str]) -> str:
    """The only line that was logged, without its time."""
    (line,) = capsys.readouterr().err.splitlines()
    assert re.match(f"{TIME} ", line)
    return str(line[24:])


class TestLines:
    def test_without_more_to_say_end_with_the_message(self, capsys: pytest.CaptureFixture[str]) -> None:
        configure_logs("INFO", as_json=False)
        logger.info("Reading")
        assert line_of(capsys) == "INFO    Reading"

    def test_name_what_belongs_to_them(self, capsys: pytest.CaptureFixture[str]) -> None:
        configure_logs("INFO", as_json=False)
        logger.bind(use_case="cards", seconds=0.5, why="no room", rows=[1, 2], nothing=None, empty="").warning("Slow")
        assert line_of(capsys) == 'WARNING Slow use_case=cards seconds=0.5 why="no room" rows=[1, 2] empty=""'

    def test_stay_one_line_whatever_they_are_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        configure_logs("INFO", as_json=False)
        logger.bind(error='Stack "trace":\n  [bt] (0)').error("{}", "first\nsecond")
        assert line_of(capsys) == r'ERROR   first second error="Stack \"trace\":\n  [bt] (0)"'

    def test_of_the_server_itself_have_the_same_form(self, capsys: pytest.CaptureFixture[str]) -> None:
        configure_logs("INFO", as_json=False)
        logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
        assert line_of(capsys) == "WARNING Invalid HTTP request received."

    def test_are_json_for_machines(self, capsys: pytest.CaptureFixture[str]) -> None:
        configure_logs("INFO", as_json=True)
        logger.bind(rows=[1, 2]).info("Reading")
        found = json.loads(capsys.readouterr().err)
        assert (found["level"], found["message"], found["rows"]) == ("INFO", "Reading", [1, 2])


def test_training_outside_a_terminal_logs_plain_lines(tmp_path: Path) -> None:
    table = accounts_file(tmp_path)
    words = ("train", "credit_accounts", "--data", str(table), "--rounds", "20", "--threads", "1")
    command = (sys.executable, "-m", "fraud_detection_api.cli.main", *words)
    settings = service_environment({"models": tmp_path / "models"})
    ended = subprocess.run(command, cwd=tmp_path, env=settings, capture_output=True, text=True, check=False)
    assert ended.stderr
    for line in ended.stderr.splitlines():
        assert re.match(rf"{TIME} (INFO   |WARNING) [A-Z\d]", line)
        assert "fraud_detection_api" not in line
        assert not line.endswith("{}")
