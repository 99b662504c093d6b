"""The bundle: a trained model as a folder of plain files, refused at load if one byte differs."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from fraud_detection_api.errors import BundleRefused
from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.manifest import Manifest
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.use_case import UseCase

REFERENCE, MANIFEST, SEAL = "reference.npy", "manifest.json", "manifest.sha256"
REPORT, REPORT_DATA, COMPARISON = (
    "report.html",
    "report.json",
    "comparison.json",
)  # kept beside the model, read only when somebody asks


@dataclass(frozen=True)
class Reference:
    """Rows and the scores that the library itself gave them when the bundle was made."""

    matrix: Matrix
    scores: NDArray[np.float32]


@dataclass(frozen=True)
class Bundle:
    """A bundle's parts; `version` is its name in the registry, `folder` where its other files lie."""

    version: str
    manifest: Manifest
    model: bytes
    reference: Reference
    folder: Path | None = None

    def attached(self, name: str) -> bytes | None:
        """A file that is kept beside the model, every byte of it checked; None where the bundle has no such file."""
        if self.folder is None or name not in self.manifest.files:
            return None
        return checked_file(self.folder, name, self.manifest.files[name])

    @property
    def attachments(self) -> dict[str, bytes]:
        """Every file that is kept beside the model."""
        names = [name for name in self.manifest.files if name not in (self.manifest.model_file, REFERENCE)]
        return {name: content for name in names if (content := self.attached(name)) is not None}


def bundle_files(
    manifest: Manifest, model: bytes, reference: Reference, attached: Mapping[str, bytes] | None = None
) -> dict[str, bytes]:
    """Every file of a bundle, sealed: the manifest names the others' digests, the seal names the manifest's."""
    contents = {manifest.model_file: model, REFERENCE: _reference_bytes(reference), **(attached or {})}
    sealed = manifest.model_copy(update={"files": {name: digest(content) for name, content in contents.items()}})
    text = sealed.model_dump_json(indent=2).encode() + b"\n"
    return {**contents, MANIFEST: text, SEAL: digest(text).encode() + b"\n"}


def read_bundle(folder: Path) -> Bundle:
    """The bundle in a folder, every byte of it checked."""
    text = _read(folder, MANIFEST)
    if _read(folder, SEAL) != digest(text).encode() + b"\n":
        raise BundleRefused(folder.name, f"{MANIFEST} or {SEAL} was changed")
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        raise BundleRefused(folder.name, f"{MANIFEST} cannot be read: {error.errors()[0]['msg']}") from error
    model, kept = (checked_file(folder, name, manifest.files.get(name)) for name in (manifest.model_file, REFERENCE))
    _refuse_changed_attachments(folder, manifest)
    try:
        reference = _reference(kept, len(manifest.features))
    except (ValueError, EOFError) as error:
        raise BundleRefused(folder.name, f"{REFERENCE} cannot be read: {error}") from error
    return Bundle(folder.name, manifest, model, reference, folder)


def refuse_other_features(bundle: Bundle, use_case: UseCase) -> None:
    """A bundle serves only the record that it was made for."""
    theirs = [(feature.name, feature.kind) for feature in bundle.manifest.features]
    if any((feature.kind is Kind.CATEGORY) != (feature.categories is not None) for feature in bundle.manifest.features):
        raise BundleRefused(bundle.version, "its text features are not those that it names categories for")
    ours = [(field.name, field.kind) for field in use_case.features]
    if bundle.manifest.use_case != use_case.name or theirs != ours:
        raise BundleRefused(bundle.version, f"it was made for other features than those of {use_case.name}: {theirs}")
    if (learned := bundle.manifest.score) is not use_case.score:
        has = f"{use_case.name} has {use_case.score.declared}"
        raise BundleRefused(bundle.version, f"it learned {learned.learned}, and {has}")


def _refuse_changed_attachments(folder: Path, manifest: Manifest) -> None:
    for name in manifest.files.keys() - {manifest.model_file, REFERENCE}:
        if name in ("", "..") or "\0" in name or Path(name).name != name:
            raise BundleRefused(folder.name, f"{name} is no file of its own folder")
        with _opened(folder, name) as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != manifest.files[name]:
            raise BundleRefused(folder.name, f"{name} was changed")


def checked_file(folder: Path, name: str, sha256: str | None) -> bytes:
    """A file of a bundle, refused if one byte of it differs."""
    content = _read(folder, name)
    if digest(content) != sha256:
        raise BundleRefused(folder.name, f"{name} was changed")
    return content


def digest(content: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _read(folder: Path, name: str) -> bytes:
    with _opened(folder, name) as file:
        return file.read()


def _opened(folder: Path, name: str) -> io.BufferedReader:
    try:
        return (folder / name).open("rb")
    except FileNotFoundError as error:
        raise BundleRefused(folder.name, f"{name} is missing") from error
    except IsADirectoryError as error:
        raise BundleRefused(folder.name, f"{name} is a folder") from error


def _reference_bytes(reference: Reference) -> bytes:
    buffer = io.BytesIO()
    table = np.column_stack([reference.matrix, reference.scores]).astype(np.float32)
    np.save(buffer, table, allow_pickle=False)
    return buffer.getvalue()


def _reference(content: bytes, features: int) -> Reference:
    table = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    if table.dtype != np.float32 or table.ndim != 2 or table.shape[1] != features + 1:
        raise ValueError(f"it holds {table.dtype} of shape {table.shape}")
    return Reference(np.ascontiguousarray(table[:, :-1]), np.ascontiguousarray(table[:, -1]))
