"""A lock is complete: what it names is installed, however much newer the releases on the index are."""

import hashlib
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.running_service import PROJECT

INSTALL_LOCKED = PROJECT / "scripts" / "install-locked"
POETRY = PROJECT / "scripts" / "poetry.txt"
PIPS = [PROJECT / ".tools" / "bin" / "python", Path("/opt/poetry/bin/python")]  # of `make`, and of the image
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheel(index: Path, name: str, version: str, *, needs: Iterable[str] = (), extras: Iterable[str] = ()) -> Path:
    """A release on the index."""
    path, info = index / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    headers = [("Name", name), ("Version", version)]
    headers += [("Provides-Extra", extra) for extra in extras] + [("Requires-Dist", need) for need in needs]
    metadata = "Metadata-Version: 2.1\n" + "".join(f"{key}: {value}\n" for key, value in headers)
    files = {f"{name}.py": f"version = {version!r}\n", f"{info}/METADATA": metadata, f"{info}/WHEEL": WHEEL}
    with zipfile.ZipFile(path, "w") as archive:
        for file, content in files.items():
            archive.writestr(file, content)
        archive.writestr(f"{info}/RECORD", "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"]))
    return path


def locked(*wheels: Path) -> str:
    """What an export of a lock file says of these releases."""
    lines = []
    for path in wheels:
        name, version, *_ = path.name.split("-")
        lines.append(f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n")
    return "".join(lines)


def install(folder: Path, index: Path, requirements: str) -> subprocess.CompletedProcess[str]:
    """Install these requirements into a new environment, as make and the image do."""
    with_pip = next((path for path in PIPS if path.exists()), None)
    if with_pip is None:
        pytest.skip("no pip is here that make or the image would install with")
    target = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", target], check=True)
    (folder / "locked.txt").write_text(requirements)
    command = [INSTALL_LOCKED, with_pip, target / "bin" / "python", folder / "locked.txt"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    environment |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def installed(folder: Path) -> list[str]:
    """The releases in the new environment."""
    return sorted(path.name for path in folder.glob("venv/lib/python*/site-packages/*.dist-info"))


def test_newer_releases_and_extras_on_the_index_change_nothing(tmp_path: Path) -> None:
    tool = wheel(tmp_path, "tool", "1", needs=["library[more]>=1"])
    library = wheel(tmp_path, "library", "1", extras=["more"])
    wheel(tmp_path, "library", "2", extras=["more"])
    done = install(tmp_path, tmp_path, locked(library, tool))
    assert done.returncode == 0, done.stderr
    assert installed(tmp_path) == ["library-1.dist-info", "tool-1.dist-info"]


def test_a_lock_that_leaves_something_out_is_refused(tmp_path: Path) -> None:
    tool = wheel(tmp_path, "tool", "1", needs=["library>=1"])
    wheel(tmp_path, "library", "1")
    done = install(tmp_path, tmp_path, locked(tool))
    assert done.returncode != 0
    assert "tool 1 requires library, which is not installed" in done.stdout


def test_other_bytes_than_those_of_the_lock_are_refused(tmp_path: Path) -> None:
    tool = wheel(tmp_path, "tool", "1")
    requirements = locked(tool)
    tool.unlink()
    wheel(tmp_path, "tool", "1", extras=["other"])
    assert install(tmp_path, tmp_path, requirements).returncode != 0
    assert installed(tmp_path) == []


def test_poetry_itself_is_locked_with_all_that_it_needs() -> None:
    locked = re.findall(
        r"^(\S+)==\S+ .*\\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n?)+)", POETRY.read_text(), re.MULTILINE
    )
    names = [line for line in POETRY.read_text().splitlines() if line and not line.startswith(("#", " "))]
    assert len(locked) == len(names) > 40
    assert {"poetry", "poetry-plugin-export", "poetry-core", "requests"} <= {name for name, _ in locked}


@pytest.mark.parametrize("name", ["Makefile", "Dockerfile", "scripts/set-up-poetry", "scripts/test-compiled"])
def test_nothing_is_installed_by_name_alone(name: str) -> None:
    installing = [
        line
        for line in (PROJECT / name).read_text().splitlines()
        if re.search(r"pip\b (-|.*--python).* (install|wheel) ", line)
    ]
    assert installing
    assert [line for line in installing if not re.search("--no-deps|--no-index", line)] == []


@pytest.mark.parametrize("name", ["Makefile", "Dockerfile", ".ci/run", "scripts/set-up-poetry"])
def test_exports_of_the_lock_are_installed_in_one_way_only(name: str) -> None:
    text = (PROJECT / name).read_text()
    assert re.findall(r"--requirement|--require-hashes|install -r", text) == []
