"""docs/adding-a-use-case.md does what it says: every block of it is run, in a folder outside the project."""

import json
import re
import runpy
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fraud_detection_api.errors import UseCaseInvalid
from tests.page_reader import REFUSED, Reader, blocks_of, following, masked, unescaped
from tests.running_service import PROJECT

PAGE = (PROJECT / "docs" / "adding-a-use-case.md").read_text()
VARYING = ("fraud_probability", "model_version")  # what training on another machine may change


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    if shutil.which("curl") is None:
        pytest.skip("the page uses curl: apt-get install curl")
    with following(PAGE, tmp_path_factory.mktemp("home"), "their_package") as someone:
        yield someone


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
    entry = next(
        block.text for block in blocks_of(PAGE) if block.title == "in src/fraud_detection_api/use_cases/known.py"
    )
    source = (package / "use_cases" / "known.py").read_text()
    use_cases = re.sub(r"^USE_CASES: .*\n", lambda _: entry, source, flags=re.MULTILINE)
    assert use_cases != source
    (package / "use_cases" / "known.py").write_text(use_cases)
    names = "from fraud_detection_api.use_cases.known import all_use_cases; print(*all_use_cases())"
    found = reader.run(f"PYTHONPATH={tmp_path} {sys.executable} -c '{names}'")
    assert found == "credit_accounts card_transactions platform_activity purchases orders loans\n"


def alike(answer: object) -> object:
    """An answer without what another machine's training may change."""
    if isinstance(answer, dict):
        return {key: type(value) if key in VARYING else alike(value) for key, value in answer.items()}
    return [alike(one) for one in answer] if isinstance(answer, list) else answer
