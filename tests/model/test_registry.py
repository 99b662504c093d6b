"""The registry: what is published is seen whole or not at all, and names move in one step, whoever dies."""

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from fraud_detection_api.errors import BundleRefused, NoPastChampion, UnknownVersion
from fraud_detection_api.model.bundle import read_bundle
from fraud_detection_api.model.registry import Registry
from tests.running_service import PROJECT, eventually, service_environment
from tests.small_models import SmallModel

NAME = "credit_accounts"
PUBLISHER = """
import sys
from pathlib import Path
from fraud_detection_api.model.registry import Registry
registry = Registry(Path(sys.argv[1]))
files = {path.name: path.read_bytes() for path in Path(sys.argv[2]).iterdir()}
rounds = int(sys.argv[3])
while rounds:
    version = registry.publish("credit_accounts", files)
    registry.promote("credit_accounts", version)
    registry.challenge("credit_accounts", version)
    print(version, flush=True)
    rounds -= 1
"""


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """An empty registry."""
    return Registry(tmp_path / "models")


@pytest.fixture
def bundle_folder(credit_model: SmallModel, tmp_path: Path) -> Path:
    """The files of a bundle, for another process to publish."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    for name, content in credit_model.files.items():
        (folder / name).write_bytes(content)
    return folder


def publisher(registry: Registry, bundle_folder: Path, rounds: int) -> subprocess.Popen[str]:
    """A process that publishes and promotes; below zero without end."""
    command = [sys.executable, "-c", PUBLISHER, str(registry.root), str(bundle_folder), str(rounds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT, env=service_environment({}))


class TestPublish:
    def test_counts_versions_and_names_them_after_their_content(
        self, registry: Registry, credit_model: SmallModel, other_credit_model: SmallModel
    ) -> None:
        versions = [registry.publish(NAME, each.files) for each in (credit_model, other_credit_model, credit_model)]
        assert registry.versions(NAME) == versions
        assert [version.partition("-")[0] for version in versions] == ["1", "2", "3"]
        assert versions[0][2:] == versions[2][2:] != versions[1][2:]
        assert registry.bundle(NAME, versions[1]).model == other_credit_model.files["model.json"]

    def test_makes_no_champion(self, registry: Registry, credit_model: SmallModel) -> None:
        registry.publish(NAME, credit_model.files)
        assert registry.aliases(NAME).champion is None

    def test_of_ten_versions_and_more_keeps_their_order(self, registry: Registry, credit_model: SmallModel) -> None:
        versions = [registry.publish(NAME, credit_model.files) for _ in range(11)]
        assert registry.versions(NAME) == versions
        assert registry.find(NAME, "11") == versions[10]

    def test_that_fails_leaves_nothing_that_is_seen(self, registry: Registry, credit_model: SmallModel) -> None:
        with pytest.raises(FileNotFoundError):
            registry.publish(NAME, credit_model.files | {"no/such/folder": b""})
        assert registry.versions(NAME) == []
        assert registry.publish(NAME, credit_model.files).startswith("1-")
        assert [path.name for path in (registry.root / NAME).glob(".staging*")] == []


class TestFind:
    def test_knows_versions_numbers_and_aliases(self, registry: Registry, credit_model: SmallModel) -> None:
        first, second = (registry.publish(NAME, credit_model.files) for _ in range(2))
        registry.promote(NAME, "1")
        registry.challenge(NAME, "2")
        assert [registry.find(NAME, wanted) for wanted in (first, "1", "champion")] == [first] * 3
        assert [registry.find(NAME, wanted) for wanted in (second, "2", "challenger")] == [second] * 3

    @pytest.mark.parametrize("wanted", ["2", "1-", "champion", "challenger", "", "../1", "1-00000000"])
    def test_of_what_is_not_there_is_refused(self, registry: Registry, credit_model: SmallModel, wanted: str) -> None:
        registry.publish(NAME, credit_model.files)
        with pytest.raises(UnknownVersion, match="see `fraud models list credit_accounts`"):
            registry.find(NAME, wanted)

    def test_does_not_mind_strangers_in_the_folder(self, registry: Registry, credit_model: SmallModel) -> None:
        version = registry.publish(NAME, credit_model.files)
        for stranger in (".DS_Store", "README.md", "lost+found", "2-copy", "one-0f5c2a9b"):
            (registry.root / NAME / "versions" / stranger).mkdir()
        assert registry.versions(NAME) == [version]
        assert registry.publish(NAME, credit_model.files).startswith("2-")


class TestPromoteAndRollback:
    def test_walk_forth_and_back(self, registry: Registry, credit_model: SmallModel) -> None:
        first, second, third = (registry.publish(NAME, credit_model.files) for _ in range(3))
        for version in (first, second, third):
            assert registry.promote(NAME, version) == version
        assert [registry.rollback(NAME), registry.rollback(NAME)] == [second, first]
        assert registry.aliases(NAME).champion == first
        with pytest.raises(NoPastChampion):
            registry.rollback(NAME)

    def test_promoting_the_champion_again_changes_nothing(self, registry: Registry, credit_model: SmallModel) -> None:
        registry.promote(NAME, registry.publish(NAME, credit_model.files))
        before = registry.aliases(NAME)
        registry.promote(NAME, "champion")
        assert registry.aliases(NAME) == before

    def test_a_challenger_that_is_promoted_is_none_any_more(self, registry: Registry, credit_model: SmallModel) -> None:
        version = registry.publish(NAME, credit_model.files)
        registry.challenge(NAME, version)
        registry.promote(NAME, "challenger")
        aliases = registry.aliases(NAME)
        assert (aliases.champion, aliases.challenger) == (version, None)

    def test_what_is_not_there_cannot_be_promoted(self, registry: Registry) -> None:
        with pytest.raises(UnknownVersion):
            registry.promote(NAME, "1")

    def test_nobody_is_rolled_back_to_a_version_that_was_deleted(
        self, registry: Registry, credit_model: SmallModel
    ) -> None:
        first, second = (registry.promote(NAME, registry.publish(NAME, credit_model.files)) for _ in range(2))
        (registry.root / NAME / "versions" / first).rename(registry.root / "gone")
        with pytest.raises(UnknownVersion, match=first):
            registry.rollback(NAME)
        assert registry.aliases(NAME).champion == second

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"champion": 1}', b'{"nobody": "1"}'])
    def test_broken_aliases_are_refused_with_their_path(self, registry: Registry, content: bytes) -> None:
        path = registry.root / NAME / "aliases.json"
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        with pytest.raises(BundleRefused, match=r"aliases\.json"):
            registry.aliases(NAME)


class TestManyProcesses:
    def test_publish_at_once_and_lose_nothing(self, registry: Registry, bundle_folder: Path) -> None:
        writers = [publisher(registry, bundle_folder, 8) for _ in range(4)]
        published = [line for writer in writers for line in writer.communicate()[0].split()]
        assert [writer.returncode for writer in writers] == [0] * 4
        assert sorted(published) == sorted(registry.versions(NAME))
        assert [int(version.partition("-")[0]) for version in registry.versions(NAME)] == list(range(1, 33))
        aliases = registry.aliases(NAME)
        assert aliases.champion is not None
        assert Counter((*aliases.past_champions, aliases.champion)) == Counter(published)

    def test_killed_at_random_moments_leave_nothing_half_done(self, registry: Registry, bundle_folder: Path) -> None:
        random, killed = Random(7), 0
        for _ in range(8):
            before = len(registry.versions(NAME))
            with publisher(registry, bundle_folder, -1) as writer:
                eventually(lambda before=before: len(registry.versions(NAME)) > before)  # type: ignore[misc]
                time.sleep(random.uniform(0, 0.05))
                writer.send_signal(signal.SIGKILL)
                killed += writer.wait() == -signal.SIGKILL
            self.assert_sound(registry)
        assert killed == 8
        after = registry.publish(NAME, {path.name: path.read_bytes() for path in bundle_folder.iterdir()})
        assert registry.promote(NAME, after) == after
        assert list((registry.root / NAME).glob(".staging-*")) == []

    def assert_sound(self, registry: Registry) -> None:
        versions = registry.versions(NAME)
        for version in versions:
            assert read_bundle(registry.root / NAME / "versions" / version).version == version
        aliases = registry.aliases(NAME)
        assert {aliases.champion, *aliases.past_champions} - {None} <= set(versions)
