"""docs/adding-a-use-case.md does what it says: every block of it is run, in a folder outside the project."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from fraud_detection_api.errors import UseCaseInvalid
from tests.running_service import eventually, free_port

PROJECT = Path(__file__).parents[1]
PAGE = (PROJECT / "docs" / "adding-a-use-case.md").read_text()
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
REFUSED = re.compile(r"^\| `((?:[^`])+)` \| (.+ .+\.) \|$", re.MULTILINE)
ADDRESS = "localhost:8000"
VARYING = ("fraud_probability", "model_version")  # what training on another machine may change


@dataclass(frozen=True)
class Block:
    """A block of the page: a file where it has a title, else commands, declarations, or an answer."""

    language: str
    title: str
    text: str


@dataclass
class Reader:
    """Somebody who follows the page: a folder, a terminal, and another one in which the service runs."""

    folder: Path
    environment: dict[str, str]
    exports: str = ""
    output: str = ""
    answers: list[tuple[Block, str]] = field(default_factory=list)
    service: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where the service listens."""
        return f"localhost:{self.environment['FRAUD_PORT']}"

    def follow(self, block: Block) -> None:
        """Do what one block says."""
        if block.title:
            path = self.folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        elif block.language == "bash":
            self._type(block.text)
        elif block.language == "python":
            (self.folder / "block.py").write_text(block.text)
            self.run(f"{sys.executable} block.py")
        else:
            self.answers.append((block, self.output))

    def run(self, commands: str) -> str:
        """What commands print; they have to succeed."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.exports + commands],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def stop(self) -> None:
        """End the service."""
        if self.service:
            self.service.terminate()
            self.service.wait(30)

    def _type(self, commands: str) -> None:
        if commands.startswith("export "):
            self.exports += commands
        elif commands == "fraud serve\n":
            command = ["bash", "-ec", f"{self.exports}exec fraud serve"]
            self.service = service = subprocess.Popen(command, cwd=self.folder, env=self.environment)
            eventually(lambda: self._is_up(service))
        else:
            self.output = self.run(commands.replace(ADDRESS, self.address))

    def _is_up(self, service: subprocess.Popen[bytes]) -> bool:
        try:
            return httpx.get(f"http://{self.address}/ready").is_success
        except httpx.TransportError:
            assert service.poll() is None, "the service has ended"
            return False


def blocks() -> list[Block]:
    return [Block(language, title, text) for language, title, text in BLOCK.findall(PAGE)]


def terminal(folder: Path) -> dict[str, str]:
    """An environment in which `fraud` is this project's, no setting is made and the port is free."""
    command = folder / "bin" / "fraud"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m fraud_detection_api.cli.main "$@"\n')
    command.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FRAUD_")}
    return {**kept, "PATH": f"{command.parent}:{os.environ['PATH']}", "FRAUD_PORT": str(free_port()), "COLUMNS": "80"}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    if shutil.which("curl") is None:
        pytest.skip("the page uses curl: apt-get install curl")
    home = tmp_path_factory.mktemp("home")
    (home / "fraud_detection_api").symlink_to(PROJECT)
    (home / "mine" / "their_package").mkdir(parents=True)
    (home / "mine" / "their_package" / "__init__.py").touch()
    someone = Reader(home / "mine", terminal(home))
    try:
        for block in blocks():
            if not block.title.startswith("in "):
                someone.follow(block)
        yield someone
    finally:
        someone.stop()


def test_every_answer_is_the_one_on_the_page(reader: Reader) -> None:
    assert len(reader.answers) >= 5
    for block, output in reader.answers:
        if block.language == "json":
            assert alike(json.loads(block.text)) == alike(json.loads(output))
        else:
            assert masked(block.text) == masked(output)


def test_the_example_is_flagged_with_about_the_probability_on_the_page(reader: Reader) -> None:
    shown, given = next(
        (json.loads(block.text), json.loads(output)) for block, output in reader.answers if "[{" in output
    )
    assert given[0]["fraud_probability"] == pytest.approx(shown[0]["fraud_probability"], abs=0.05)


def test_the_model_ranks_sensibly(reader: Reader) -> None:
    served = httpx.get(f"http://{reader.address}/models/loans").json()
    assert served["metrics"]["roc_auc"]["value"] > 0.74
    assert served["data"]["rows"] == 30_000


def test_the_openapi_document_has_the_declaration_and_an_example_that_works(reader: Reader) -> None:
    document = httpx.get(f"http://{reader.address}/openapi.json").json()
    example = document["paths"]["/score/loans"]["post"]["requestBody"]["content"]["application/json"]["schema"][
        "examples"
    ][0]
    assert example == json.loads((reader.folder / "loan.json").read_text())
    assert (
        document["components"]["schemas"]["Loan"]["properties"]["PAY_0"]["description"]
        == "Months behind in September; -1 paid duly"
    )
    answer = httpx.post(f"http://{reader.address}/score/loans", json=example)
    assert [one["ID"] for one in answer.json()] == [30001]
    assert answer.headers["X-Model-Version"] == answer.json()[0]["model_version"]


def test_every_record_of_the_table_has_a_score(reader: Reader) -> None:
    scores = (reader.folder / "scores.csv").read_text().splitlines()
    assert len(scores) == 30_001
    assert scores[1].startswith("1,")


def test_the_declaration_of_every_kind_takes_its_own_example(reader: Reader) -> None:
    program = "import json; from block import Application, APPLICATIONS as a; "
    program += "print(Application.model_validate_json(json.dumps(a.example)).opened_on)"
    assert reader.run(f"{sys.executable} -c '{program}'") == "2024-05-31\n"


@pytest.mark.parametrize(("declared", "words"), REFUSED.findall(PAGE))
def test_a_refused_declaration_says_what_the_page_says(tmp_path: Path, declared: str, words: str) -> None:
    (tmp_path / "refused.py").write_text(
        "from datetime import datetime\n"
        "from typing import Literal\n"
        "from pydantic import Field\n"
        "from fraud_detection_api.schemas.learning import Supervised\n"
        "from fraud_detection_api.schemas.record import Record\n"
        "from fraud_detection_api.schemas.use_case import UseCase\n"
        "class Refused(Record):\n"
        "    ID: int\n"
        f"    {unescaped(declared)}\n"
        "UseCase(name='loans', title='Loans', record=Refused, learning=Supervised(label='label'), identifier='ID')\n"
    )
    with pytest.raises(UseCaseInvalid) as refusal:
        runpy.run_path(str(tmp_path / "refused.py"))
    assert refusal.value.message == unescaped(words)


def test_the_same_file_works_inside_the_project(reader: Reader, tmp_path: Path) -> None:
    package = tmp_path / "fraud_detection_api"
    shutil.copytree(PROJECT / "src" / "fraud_detection_api", package)
    shutil.copy(reader.folder / "their_package" / "loans.py", package / "use_cases")
    entry = next(block.text for block in blocks() if block.title == "in src/fraud_detection_api/use_cases/known.py")
    source = (package / "use_cases" / "known.py").read_text()
    use_cases = re.sub(r"^USE_CASES: .*\n", lambda _: entry, source, flags=re.MULTILINE)
    assert use_cases != source
    (package / "use_cases" / "known.py").write_text(use_cases)
    names = "from fraud_detection_api.use_cases.known import all_use_cases; print(*all_use_cases())"
    found = reader.run(f"PYTHONPATH={tmp_path} {sys.executable} -c '{names}'")
    assert found == "credit_accounts card_transactions platform_activity purchases loans\n"


def alike(answer: object) -> object:
    """An answer without what another machine's training may change."""
    if isinstance(answer, dict):
        return {key: type(value) if key in VARYING else alike(value) for key, value in answer.items()}
    return [alike(one) for one in answer] if isinstance(answer, list) else answer


def masked(text: str) -> str:
    """A text without its figures and versions."""
    return re.sub(r"\d+-[0-9a-f]{8}|\d", "#", text)


def unescaped(cell: str) -> str:
    """A cell of a table: a bar in it is written with a backslash."""
    return cell.replace("\\|", "|")
