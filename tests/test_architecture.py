"""The layout: imports point downward, the serving process stays small, no function and no module grows without end."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil
import pytest

from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.use_cases.known import USE_CASES
from tests.conftest import Shop
from tests.declared_use_cases import DECLARED_HERE, EVERY_USE_CASE
from tests.examples import body_of, good_rows
from tests.running_service import PROJECT, service_environment

LONGEST_FUNCTION, LONGEST_MODULE = 40, 300
HEAVY = ("pandas", "sklearn", "dask", "mlflow", "pyarrow", "sqlalchemy", "xgboost", "scipy", "matplotlib")
PICKLES = ("pickle", "joblib", "cloudpickle", "dill", "shelve", "marshal")
SERVE_ONCE = """
import asyncio, json, sys
from fraud_detection_api.cli import main as fraud
from fraud_detection_api.main import create

async def ask(app, method, address, body):
    path, _, query = address.partition("?")
    sent = []
    async def receive(): return {"type": "http.request", "body": body.encode(), "more_body": False}
    async def send(message): sent.append(message)
    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
             "headers": headers, "root_path": "", "scheme": "http", "http_version": "1.1"}
    await app(scope, receive, send)
    return sent[0]["status"]

async def serve():
    app = create()
    async with app.router.lifespan_context(app):
        return [await ask(app, *each) for each in json.load(sys.stdin)]

statuses = asyncio.run(serve())
print(json.dumps({"statuses": statuses, "modules": sorted(sys.modules)}))
"""
SOURCES = sorted((PROJECT / "src").rglob("*.py"))
MODULES = [*SOURCES, *sorted((PROJECT / "tests").rglob("*.py")), *sorted((PROJECT / "benchmarks").rglob("*.py"))]


def name_of(path: Path) -> str:
    """A path as one writes it."""
    return str(path.relative_to(PROJECT))


def test_imports_keep_their_contracts() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    found = subprocess.run([*command, "--no-cache"], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_every_folder_is_a_package_so_that_the_contracts_see_it() -> None:
    folders = {path.parent for path in SOURCES}
    assert [name_of(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def asked_of_every_address(shop: Shop, use_cases: Iterable[UseCase]) -> list[tuple[str, str, str]]:
    """A request that works to every address that scores, and for reasons where the model has some."""
    bodies = {each.name: body_of(good_rows(each, 2)).decode() for each in use_cases}
    explained = [name for name in bodies if shop.models[name].library.pushed]
    single = {"/predict_fraud": "card_transactions", "/predict": "purchases"}
    return [
        *(("POST", f"/score/{name}", body) for name, body in bodies.items()),
        *(("POST", f"/score/{name}?reasons=3&reasons_for=all", bodies[name]) for name in explained),
        ("POST", "/fraud_detection", bodies["credit_accounts"]),
        *(("POST", path, json.dumps(json.loads(bodies[name])[0])) for path, name in single.items()),
        ("POST", "/prediction", json.dumps({"feature_vector": [21.5, 4.25], "score": True})),
        ("GET", "/models/credit_accounts", ""),
        ("GET", "/models/credit_accounts/report", ""),  # these small models keep none
    ]


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("use_cases", "declared", "heavy"),
    [(USE_CASES, "", (*HEAVY, "onnxruntime")), (EVERY_USE_CASE, DECLARED_HERE, HEAVY)],
    ids=["built in", "with a model that ONNX Runtime serves"],
)
def test_the_serving_process_imports_none_of_the_heavy_libraries(
    shop: Shop, use_cases: tuple[UseCase, ...], declared: str, heavy: tuple[str, ...]
) -> None:
    asked = asked_of_every_address(shop, use_cases)
    environment = service_environment({"models": shop.registry.root, "use_cases": declared})
    found = subprocess.run(
        [sys.executable, "-c", SERVE_ONCE],
        input=json.dumps(asked),
        cwd=shop.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    served = json.loads(found.stdout)
    assert served["statuses"] == [200] * (len(asked) - 1) + [404]
    assert [name for name in served["modules"] if name.partition(".")[0] in heavy] == []


@pytest.mark.compiled
def test_the_running_service_has_none_of_their_compiled_parts(shop: Shop) -> None:
    mapped = [Path(each.path).parts for each in psutil.Process(shop.service.process.pid).memory_maps()]
    assert any("_forest.abi3.so" in parts for parts in mapped)
    assert not [parts for parts in mapped if set(parts) & set(HEAVY)]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_and_functions_are_short(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_MODULE
    long = {each.name: lines for each in functions(text) if (lines := length(each)) > LONGEST_FUNCTION}
    assert not long


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(text: str) -> Iterator[Function]:
    """Every function in a module, those inside others among them."""
    return (node for node in ast.walk(ast.parse(text)) if isinstance(node, Function))


def length(function: Function) -> int:
    """Its lines, from its first decorator to its last statement."""
    first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
    return (function.end_lineno or function.lineno) - first + 1


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_nothing_reads_or_writes_pickles(path: Path) -> None:
    tree = ast.parse(path.read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not [name for name in imported if name.partition(".")[0] in PICKLES]
    allowed = [
        keyword.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "allow_pickle"
    ]
    assert all(isinstance(value, ast.Constant) and value.value is False for value in allowed)
