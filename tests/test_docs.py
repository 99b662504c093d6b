"""The documentation is kept true: settings, addresses and commands stand in it, and what stands in it exists."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from typer.testing import CliRunner

from fraud_detection_api.cli.main import app
from fraud_detection_api.pipeline_app import create_pipeline_app
from fraud_detection_api.schemas.histories import Statistic
from fraud_detection_api.settings import Settings
from tests.running_service import PROJECT

PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
CODE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
TYPED = ("", "bash", "sh", "console")  # what a person types; other blocks show files and what comes back
COMMAND = re.compile(r"^(?:\$ )?(?:[\w./]*/)?fraud ((?:[a-z][a-z-]+ ?)+)", re.MULTILINE)
NAMES = sorted(f"FRAUD_{name.upper()}" for name in Settings.model_fields)
COMMANDS = [(str(command.name),) for command in app.registered_commands]
GROUPS = {str(group.name): group.typer_instance for group in app.registered_groups}
GROUPED = [(name, str(each.name)) for name, group in GROUPS.items() if group for each in group.registered_commands]
BUILT_IN = ("/score/credit_accounts",)


def text_of(*names: str) -> str:
    """The text of some files of the project."""
    return "\n".join((PROJECT / name).read_text() for name in names)


def pages() -> str:
    """README and every page of the documentation."""
    return "\n".join(path.read_text() for path in PAGES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("page", ["docs/operations.md", ".env.example"])
def test_every_setting_is_documented(page: str, name: str) -> None:
    assert re.search(rf"\b{name}\b", text_of(page)), f"{page} does not name {name}"


def test_every_documented_setting_exists() -> None:
    documented = set(re.findall(r"\bFRAUD_[A-Z_]+\b", pages() + text_of(".env.example")))
    built = set(re.findall(r"\bFRAUD_[A-Z_]+\b", text_of("build.py", ".ci/run")))
    statistics = {each.name for each in Statistic}  # FRAUD_SHARE is one
    assert documented <= {*NAMES, *built, *statistics}


def test_the_example_settings_are_the_defaults() -> None:
    spelled = dict(re.findall(r"^#?\s*(FRAUD_[A-Z_]+)=(.*)$", text_of(".env.example"), re.MULTILINE))
    variables = {name.removeprefix("FRAUD_").lower(): value for name, value in spelled.items() if value}
    assert Settings.model_validate(variables).model_dump() == Settings.model_validate({}).model_dump()


def test_every_address_is_documented(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    of_use_cases = ("/score/", "/prediction/")
    addresses = [path for path in document["paths"] if not path.startswith(of_use_cases) or path in BUILT_IN]
    text = pages()
    spelled = {path: re.sub(r"\\{.*?\}", r"[{<\\w][^/\\s]*", re.escape(path)) for path in addresses}
    assert [path for path, pattern in spelled.items() if not re.search(pattern, text)] == []


def test_every_address_of_the_pipeline_is_documented() -> None:
    text = pages()
    methods = [(method.upper(), path) for path, each in pipeline_addresses().items() for method in each]
    assert [f"{method} {path}" for method, path in methods if f"`{method} {path}`" not in text] == []


def pipeline_addresses() -> dict[str, dict[str, object]]:
    """What the pipeline service answers."""
    with TemporaryDirectory() as folder:
        paths: dict[str, dict[str, object]] = create_pipeline_app(Settings(pipeline=Path(folder))).openapi()["paths"]
        return paths


def test_every_documented_address_exists(client: httpx.Client) -> None:
    known = client.get("/openapi.json").json()["paths"] | pipeline_addresses()
    methods = re.findall(r"\b(GET|POST) (/[a-z_/{}<>]+)", pages())
    assert methods
    for method, path in methods:
        plain = re.sub(r"^/(score|models)/.+", r"/\1/credit_accounts", path)
        assert any(
            re.fullmatch(re.sub(r"\{.*?\}", "[^/]+", each), plain) and method.lower() in operations
            for each, operations in known.items()
        ), f"{method} {path}"


def test_every_documented_command_exists() -> None:
    found = [match for path in PAGES for match in CODE.findall(path.read_text())]
    code = "\n".join(inline or block for language, block, inline in found if language in TYPED)
    documented = {tuple(words.split()) for words in COMMAND.findall(code)}
    assert {words[0] for words in documented} >= {"sample", "train", "models", "serve", "score"}
    commands = {(words[:2] if words[0] in GROUPS else words[:1]) for words in documented}
    known = {command for command in sorted(commands) if explains_itself(*command)}
    assert commands == known


@pytest.mark.parametrize("command", [*COMMANDS, *GROUPED])
def test_every_command_is_documented(command: tuple[str, ...]) -> None:
    assert explains_itself(*command)
    assert " ".join(("fraud", *command)) in pages()


def explains_itself(*command: str) -> bool:
    """Whether the command line knows it."""
    found = CliRunner().invoke(app, [*command, "--help"])
    return found.exit_code == 0 and "Usage:" in found.stdout


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_pages_that_were_promised_are_there() -> None:
    promised = ("README.md", "docs/architecture.md", "docs/operations.md", "docs/adding-a-use-case.md")
    assert [name for name in promised if not (PROJECT / name).is_file()] == []
