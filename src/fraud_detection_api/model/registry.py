"""The registry: bundles by use case and version in a folder; every change to it is one atomic rename."""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from fraud_detection_api.atomic import sync, whole_file, write_durably
from fraud_detection_api.errors import BundleRefused, NoPastChampion, UnknownVersion
from fraud_detection_api.model.bundle import SEAL, Bundle, checked_file, read_bundle
from fraud_detection_api.model.manifest import Frozen

_VERSION = re.compile(r"[1-9]\d*-[0-9a-f]{8}")


class Aliases(Frozen):
    """Which versions have a name, and which were champion before."""

    champion: str | None = None
    challenger: str | None = None
    past_champions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Registry:
    """root/<use case>/versions/<version>/ holds a bundle; root/<use case>/aliases.json points at versions."""

    root: Path

    def aliases(self, use_case: str) -> Aliases:
        """The names that versions of a use case have now."""
        path = self._aliases_path(use_case)
        try:
            return Aliases.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return Aliases()
        except ValidationError as error:
            raise BundleRefused(str(path), f"it cannot be read: {error.errors()[0]['msg']}") from error

    def versions(self, use_case: str) -> list[str]:
        """Every published version, oldest first."""
        folder = self._versions_path(use_case)
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        return sorted(filter(_VERSION.fullmatch, names), key=_number)

    def find(self, use_case: str, wanted: str) -> str:
        """The version of that name, number or alias."""
        aliases = self.aliases(use_case)
        named = {"champion": aliases.champion, "challenger": aliases.challenger}.get(wanted, wanted)
        for version in self.versions(use_case):
            if named in (version, version.partition("-")[0]):
                return version
        raise UnknownVersion(use_case, wanted)

    def bundle(self, use_case: str, version: str) -> Bundle:
        """The bundle of a version, every byte of it checked."""
        return read_bundle(self._versions_path(use_case) / self.find(use_case, version))

    def attached(self, use_case: str, version: str, name: str, sha256: str) -> bytes:
        """One file that a version keeps beside its model, checked; the rest of the bundle is left alone."""
        return checked_file(self._versions_path(use_case) / version, name, sha256)

    def changed_at(self, use_case: str, version: str) -> int:
        """When a file of a version was last changed, in nanoseconds; 0 while it has none."""
        folder = self._versions_path(use_case) / version
        return max((path.stat().st_mtime_ns for path in folder.glob("*")), default=0)

    def publish(self, use_case: str, files: Mapping[str, bytes]) -> str:
        """Add a bundle as the next version; it is seen whole or not at all."""
        with self._locked(use_case) as folder:
            for left_over in folder.glob(".staging-*"):  # ours alone while we hold the lock: its writer was killed
                shutil.rmtree(left_over)
            staging = folder / f".staging-{os.getpid()}"
            staging.mkdir()
            for name, content in files.items():
                write_durably(staging / name, content)
            sync(staging)
            number = max(map(_number, self.versions(use_case)), default=0) + 1
            version = f"{number}-{files[SEAL][:8].decode()}"
            self._versions_path(use_case).mkdir(exist_ok=True)
            staging.rename(self._versions_path(use_case) / version)
            sync(self._versions_path(use_case))
        return version

    def promote(self, use_case: str, version: str) -> str:
        """Make a version the champion; the old champion is remembered for a rollback."""
        with self._locked(use_case):
            found, now = self.find(use_case, version), self.aliases(use_case)
            if found != now.champion:
                past = (*now.past_champions, now.champion) if now.champion else now.past_champions
                challenger = None if now.challenger == found else now.challenger
                self._point(use_case, Aliases(champion=found, challenger=challenger, past_champions=past))
        return found

    def challenge(self, use_case: str, version: str) -> str:
        """Make a version the challenger."""
        with self._locked(use_case):
            found = self.find(use_case, version)
            self._point(use_case, self.aliases(use_case).model_copy(update={"challenger": found}))
        return found

    def rollback(self, use_case: str) -> str:
        """Make the champion before this one champion again."""
        with self._locked(use_case):
            now = self.aliases(use_case)
            if not now.past_champions:
                raise NoPastChampion(use_case)
            *past, before = now.past_champions
            champion = self.find(use_case, before)
            update = {"champion": champion, "past_champions": tuple(past)}
            self._point(use_case, now.model_copy(update=update))
        return champion

    @contextmanager
    def _locked(self, use_case: str) -> Iterator[Path]:
        folder = self.root / use_case
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder

    def _point(self, use_case: str, aliases: Aliases) -> None:
        with whole_file(self._aliases_path(use_case)) as file:
            file.write(aliases.model_dump_json(indent=2).encode() + b"\n")

    def _aliases_path(self, use_case: str) -> Path:
        return self.root / use_case / "aliases.json"

    def _versions_path(self, use_case: str) -> Path:
        return self.root / use_case / "versions"


def _number(version: str) -> int:
    return int(version.partition("-")[0])
