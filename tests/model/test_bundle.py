"""The bundle: refused if one byte differs, a file is missing, or it was made for another record."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import numpy as np
import pytest

from fraud_detection_api.errors import BundleRefused
from fraud_detection_api.model.bundle import (
    MANIFEST,
    REFERENCE,
    SEAL,
    bundle_files,
    digest,
    read_bundle,
    refuse_other_features,
)
from fraud_detection_api.model.manifest import MODEL, Manifest
from tests.declared_use_cases import CARD_TAPS
from tests.small_models import SmallModel, bundle_of

FILES = (MODEL, REFERENCE, MANIFEST, SEAL)


@pytest.fixture
def folder(credit_model: SmallModel, tmp_path: Path) -> Path:
    """A folder that holds a sound bundle."""
    for name, content in credit_model.files.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def sealed(folder: Path, name: str, content: bytes) -> None:
    """Put a file into a bundle as somebody would who can make seals."""
    manifest = (folder / MANIFEST).read_bytes()
    changed = manifest.replace(digest((folder / name).read_bytes()).encode(), digest(content).encode())
    (folder / name).write_bytes(content)
    (folder / MANIFEST).write_bytes(changed)
    (folder / SEAL).write_text(digest(changed) + "\n")


def test_it_holds_what_was_put_into_it(folder: Path, credit_model: SmallModel) -> None:
    bundle = read_bundle(folder)
    assert bundle.version == folder.name
    assert bundle.model == credit_model.files[MODEL]
    assert bundle.manifest == credit_model.manifest.model_copy(update={"files": bundle.manifest.files})
    assert bundle.reference.matrix.flags.c_contiguous
    expected = credit_model.booster.inplace_predict(bundle.reference.matrix)
    assert bundle.reference.scores.tobytes() == np.asarray(expected).tobytes()


def test_the_same_parts_make_the_same_bytes(folder: Path) -> None:
    bundle = read_bundle(folder)
    again = bundle_files(bundle.manifest, bundle.model, bundle.reference)
    assert again == {name: (folder / name).read_bytes() for name in FILES}
    later = bundle.manifest.model_copy(update={"created_at": datetime(2025, 1, 1, tzinfo=UTC)})
    other = bundle_files(later, bundle.model, bundle.reference)
    assert {name for name in FILES if other[name] != again[name]} == {MANIFEST, SEAL}


def test_a_model_of_an_older_bundle_was_trained_when_the_bundle_was_made(credit_model: SmallModel) -> None:
    before = credit_model.manifest.model_dump(exclude={"trained_at"})
    assert Manifest.model_validate(before).trained_at == credit_model.manifest.created_at


def test_it_has_no_other_files_than_those_that_are_checked(credit_model: SmallModel) -> None:
    assert set(credit_model.files) == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_one_changed_byte_anywhere_is_refused(folder: Path, name: str) -> None:
    path, random = folder / name, Random(name)
    content = path.read_bytes()
    for place in {0, len(content) - 1, *(random.randrange(len(content)) for _ in range(40))}:
        changed = bytes([content[place] ^ (1 << random.randrange(8))])
        path.write_bytes(content[:place] + changed + content[place + 1 :])
        with pytest.raises(BundleRefused, match="was changed"):
            read_bundle(folder)
    path.write_bytes(content)
    read_bundle(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_or_grown_file_is_refused(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    for changed in (b"", content[:-1], content[: len(content) // 2], content + b"\n", content + content):
        (folder / name).write_bytes(changed)
        with pytest.raises(BundleRefused, match="was changed"):
            read_bundle(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused_by_its_name(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BundleRefused, match=f"{name} is missing"):
        read_bundle(folder)


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"format": 2}', b"\xff", b'{"use_case": "x", "nobody": 1}'])
def test_a_manifest_that_is_none_is_refused_even_under_its_own_seal(folder: Path, text: bytes) -> None:
    (folder / MANIFEST).write_bytes(text)
    (folder / SEAL).write_text(digest(text) + "\n")
    with pytest.raises(BundleRefused, match=r"manifest\.json cannot be read"):
        read_bundle(folder)


def npy(table: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> bytes:
    """An array as numpy writes it to a file."""
    buffer = io.BytesIO()
    np.save(buffer, table)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"no array", b"\x93NUMPY", b"PK\x03\x04", npy(np.zeros((2, 5))), npy(np.zeros((2, 4), np.float32))],
)
def test_reference_rows_that_are_none_are_refused_even_under_their_own_seal(folder: Path, content: bytes) -> None:
    sealed(folder, REFERENCE, content)
    with pytest.raises(BundleRefused, match=r"reference\.npy cannot be read"):
        read_bundle(folder)


def test_a_pickle_is_never_opened(folder: Path) -> None:
    sealed(folder, REFERENCE, npy(np.array([{"code": "runs"}], dtype=object)))
    with pytest.raises(BundleRefused, match=r"reference\.npy cannot be read"):
        read_bundle(folder)


def test_it_serves_its_own_record(credit_model: SmallModel) -> None:
    refuse_other_features(bundle_of(credit_model), credit_model.use_case)


def test_it_is_refused_for_another_use_case(credit_model: SmallModel) -> None:
    with pytest.raises(BundleRefused, match="other features than those of card_taps"):
        refuse_other_features(bundle_of(credit_model), CARD_TAPS)


@pytest.mark.parametrize("change", ["order", "name", "kind", "fewer"])
def test_it_is_refused_when_its_features_are_not_the_records(credit_model: SmallModel, change: str) -> None:
    bundle = bundle_of(credit_model)
    first, *others = bundle.manifest.features
    changed = {
        "order": (*others, first),
        "name": (first.model_copy(update={"name": "accounts"}), *others),
        "kind": (first.model_copy(update={"kind": "number"}), *others),
        "fewer": tuple(others),
    }[change]
    manifest = bundle.manifest.model_copy(update={"features": changed})
    other = type(bundle)(bundle.version, manifest, bundle.model, bundle.reference)
    with pytest.raises(BundleRefused, match="made for other features than those of credit_accounts"):
        refuse_other_features(other, credit_model.use_case)


def test_files_kept_beside_the_model_are_sealed_with_it(folder: Path, tmp_path: Path) -> None:
    bundle = read_bundle(folder)
    with_card = bundle_files(bundle.manifest, bundle.model, bundle.reference, {"card.html": b"<p>a card</p>"})
    for name, content in with_card.items():
        (tmp_path / name).write_bytes(content)
    found = read_bundle(tmp_path)
    assert found.attachments == {"card.html": b"<p>a card</p>"}
    assert found.attached("card.html") == b"<p>a card</p>"
    assert found.attached("another.html") is None
    (tmp_path / "card.html").write_bytes(b"<p>a lard</p>")
    with pytest.raises(BundleRefused, match=r"card.html was changed"):
        read_bundle(tmp_path)
    with pytest.raises(BundleRefused, match=r"card.html was changed"):
        found.attached("card.html")
    (tmp_path / "card.html").unlink()
    with pytest.raises(BundleRefused, match=r"card.html is missing"):
        read_bundle(tmp_path)


@pytest.mark.parametrize("name", ["../secret", "", ".", "..", "a/b", "/etc/passwd", "a\0b"])
def test_a_manifest_that_reaches_out_of_its_folder_is_refused(folder: Path, name: str) -> None:
    bundle = read_bundle(folder)
    reaching = bundle_files(bundle.manifest, bundle.model, bundle.reference, {name: b"not ours"})
    for sealed in (MANIFEST, SEAL):
        (folder / sealed).write_bytes(reaching[sealed])
    with pytest.raises(BundleRefused, match="no file of its own folder"):
        read_bundle(folder)


@pytest.mark.parametrize(
    "calibration",
    [
        {"method": "platt", "slope": -1.0, "intercept": 0.0},
        {"method": "isotonic", "given": [], "true": []},
        {"method": "isotonic", "given": [0.0, 1.0], "true": [0.0]},
        {"method": "isotonic", "given": [0.0, 0.5, 0.5, 1.0], "true": [0.0, 0.1, 0.2, 1.0]},
        {"method": "isotonic", "given": [0.0, 0.5, 1.0], "true": [0.0, 0.9, 0.2]},
        {"method": "isotonic", "given": [0.0, 1.0], "true": [0.0, 7.0]},
    ],
)
def test_a_curve_that_is_none_is_refused_with_its_bundle(
    credit_model: SmallModel, tmp_path: Path, calibration: dict[str, object]
) -> None:
    manifest = json.loads(credit_model.files[MANIFEST])
    text = json.dumps(manifest | {"calibration": calibration}).encode()
    for name, content in {**credit_model.files, MANIFEST: text, SEAL: digest(text).encode() + b"\n"}.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BundleRefused, match=r"manifest.json cannot be read"):
        read_bundle(tmp_path)


@pytest.mark.parametrize("name", ["card.html", *FILES])
def test_a_folder_in_the_place_of_a_file_is_refused(folder: Path, name: str) -> None:
    bundle = read_bundle(folder)
    for each, content in bundle_files(bundle.manifest, bundle.model, bundle.reference, {"card.html": b""}).items():
        (folder / each).write_bytes(content)
    (folder / name).unlink()
    (folder / name).mkdir()
    with pytest.raises(BundleRefused, match=f"{name} is a folder"):
        read_bundle(folder)
