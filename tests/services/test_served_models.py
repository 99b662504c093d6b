"""What is served: the champion, replaced whole, and kept when the next one is refused."""

import asyncio
import threading
from pathlib import Path

import pytest

from fraud_detection_api.app import create_app
from fraud_detection_api.errors import ModelMissing
from fraud_detection_api.model.bundle import MANIFEST, REFERENCE, SEAL, bundle_files
from fraud_detection_api.model.manifest import MODEL
from fraud_detection_api.model.registry import Aliases, Registry
from fraud_detection_api.monitoring.logs import configure_logs
from fraud_detection_api.services.served_models import ServedModel, ServedModels
from fraud_detection_api.settings import Settings
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.declared_use_cases import CARD_TAPS
from tests.running_service import eventually
from tests.small_models import SmallModel, bundle_of, promoted

NAME = CREDIT_ACCOUNTS.name


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """An empty registry."""
    return Registry(tmp_path / "models")


@pytest.fixture
def served(registry: Registry) -> ServedModel:
    """The credit accounts' served model."""
    return ServedModel(CREDIT_ACCOUNTS, registry)


def version_of(served: ServedModel) -> str:
    """The version that is served after another look at the registry."""
    served.refresh()
    return served.current().version


def tampered(registry: Registry, model: SmallModel, name: str) -> str:
    """A champion of which one byte of one file differs."""
    version = registry.publish(NAME, model.files)
    path = registry.root / NAME / "versions" / version / name
    content = path.read_bytes()
    path.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
    return registry.promote(NAME, version)


class TestNoModel:
    def test_says_how_to_make_one(self, served: ServedModel) -> None:
        served.refresh()
        with pytest.raises(ModelMissing, match="train one with `fraud train credit_accounts`"):
            served.current()

    def test_that_was_refused_says_why(self, served: ServedModel, registry: Registry, credit_model: SmallModel) -> None:
        tampered(registry, credit_model, MODEL)
        served.refresh()
        with pytest.raises(ModelMissing, match=r"model\.json was changed"):
            served.current()

    def test_with_broken_aliases_says_why(self, served: ServedModel, registry: Registry) -> None:
        (registry.root / NAME).mkdir(parents=True)
        (registry.root / NAME / "aliases.json").write_text("{")
        served.refresh()
        assert "aliases.json" in str(served.problem)

    def test_of_a_published_version_is_served_before_it_is_promoted(
        self, served: ServedModel, registry: Registry, credit_model: SmallModel
    ) -> None:
        registry.publish(NAME, credit_model.files)
        served.refresh()
        assert served.scorer is None


class TestRefresh:
    def test_follows_promotions_and_rollbacks(
        self, served: ServedModel, registry: Registry, credit_model: SmallModel, other_credit_model: SmallModel
    ) -> None:
        first = promoted(registry, credit_model)
        assert version_of(served) == first
        second = promoted(registry, other_credit_model)
        assert version_of(served) == second
        registry.rollback(NAME)
        assert version_of(served) == first

    def test_loads_a_champion_once(self, served: ServedModel, registry: Registry, credit_model: SmallModel) -> None:
        promoted(registry, credit_model)
        served.refresh()
        scorer = served.current()
        served.refresh()
        assert served.current() is scorer

    @pytest.mark.parametrize("name", [MODEL, REFERENCE, MANIFEST, SEAL])
    def test_keeps_the_old_one_when_the_next_was_tampered_with_and_counts_it_once(
        self, served: ServedModel, registry: Registry, credit_model: SmallModel, name: str
    ) -> None:
        good = promoted(registry, credit_model)
        assert version_of(served) == good
        tampered(registry, credit_model, name)
        assert [version_of(served), version_of(served)] == [good, good]
        assert served.refused_bundles == 1

    def test_goes_on_after_a_refused_one(
        self, served: ServedModel, registry: Registry, credit_model: SmallModel, other_credit_model: SmallModel
    ) -> None:
        tampered(registry, credit_model, MODEL)
        served.refresh()
        good = promoted(registry, other_credit_model)
        assert version_of(served) == good

    def test_looks_again_once_a_refused_one_was_mended(
        self, served: ServedModel, registry: Registry, credit_model: SmallModel
    ) -> None:
        version = tampered(registry, credit_model, MODEL)
        served.refresh()
        assert served.scorer is None
        (registry.root / NAME / "versions" / version / MODEL).write_bytes(credit_model.files[MODEL])
        assert version_of(served) == version

    @pytest.mark.parametrize("model", [b"", b"{}", b"\x00\x01", b'{"learner": 1}', b"[1, 2]"])
    def test_refuses_a_model_that_is_none_even_under_its_own_seal(
        self, served: ServedModel, registry: Registry, credit_model: SmallModel, model: bytes
    ) -> None:
        good = promoted(registry, credit_model)
        assert version_of(served) == good
        bundle = bundle_of(credit_model)
        registry.promote(NAME, registry.publish(NAME, bundle_files(bundle.manifest, model, bundle.reference)))
        assert (version_of(served), served.refused_bundles) == (good, 1)

    def test_shows_neither_a_librarys_trace_nor_a_path_of_this_machine(
        self, served: ServedModel, registry: Registry, credit_model: SmallModel, capsys: pytest.CaptureFixture[str]
    ) -> None:
        configure_logs("INFO", as_json=False)
        bundle = bundle_of(credit_model)
        registry.promote(NAME, registry.publish(NAME, bundle_files(bundle.manifest, b"{}", bundle.reference)))
        served.refresh()
        assert served.problem
        assert len(served.problem.splitlines()) == 1
        assert "/" not in served.problem
        (line,) = capsys.readouterr().err.splitlines()
        assert f" ERROR   {served.problem} use_case={NAME}" in line

    def test_names_the_file_that_is_broken_but_not_where_the_registry_lies(
        self, served: ServedModel, registry: Registry
    ) -> None:
        (registry.root / NAME).mkdir(parents=True)
        (registry.root / NAME / "aliases.json").write_text("{")
        served.refresh()
        assert "aliases.json" in str(served.problem)
        assert str(registry.root) not in str(served.problem)

    def test_refuses_a_champion_that_was_deleted(
        self, served: ServedModel, registry: Registry, credit_model: SmallModel
    ) -> None:
        good = promoted(registry, credit_model)
        assert version_of(served) == good
        second = promoted(registry, credit_model)
        (registry.root / NAME / "versions" / second).rename(registry.root / "gone")
        assert (version_of(served), served.refused_bundles) == (good, 1)

    def test_keeps_the_old_one_while_the_registry_cannot_be_read(
        self, served: ServedModel, registry: Registry, credit_model: SmallModel
    ) -> None:
        good = promoted(registry, credit_model)
        assert version_of(served) == good
        path = registry.root / NAME / "aliases.json"
        path.rename(path.with_suffix(".away"))
        path.mkdir()
        assert version_of(served) == good
        path.rmdir()
        path.with_suffix(".away").rename(path)
        assert version_of(served) == good


class OddRegistry(Registry):
    """One that breaks, now and then, as nobody has foreseen."""

    looks = 0

    def aliases(self, use_case: str) -> Aliases:
        """Not at first."""
        OddRegistry.looks += 1
        if OddRegistry.looks <= 3:
            raise KeyError(use_case)
        return super().aliases(use_case)


class TestServedModels:
    def test_are_ready_as_soon_as_one_of_them_is(self, registry: Registry, small_models: dict[str, SmallModel]) -> None:
        served = ServedModels({use_case.name: use_case for use_case in (CREDIT_ACCOUNTS, CARD_TAPS)}, registry)
        served.refresh()
        assert [one.scorer for one in served.by_use_case.values()] == [None, None]
        promoted(registry, small_models[CARD_TAPS.name])
        served.refresh()
        assert served.ready
        assert [one.scorer is not None for one in served.by_use_case.values()] == [False, True]

    def test_go_on_looking_whatever_breaks(self, registry: Registry, credit_model: SmallModel) -> None:
        promoted(registry, credit_model)
        served = ServedModels({NAME: CREDIT_ACCOUNTS}, OddRegistry(registry.root))

        async def watch() -> None:
            watcher = asyncio.create_task(served.keep_fresh(0.01))
            await asyncio.to_thread(eventually, lambda: served.ready or watcher.done())
            watcher.cancel()

        asyncio.run(watch())
        assert served.ready

    def test_that_break_do_not_keep_the_answer_log_from_its_end(self, tmp_path: Path, registry: Registry) -> None:
        kept = {"keep": f"{NAME}=full", "spool": tmp_path / "spool", "store": f"sqlite:///{tmp_path}/store"}
        app = create_app(Settings.model_validate({"models": registry.root, "reload_seconds": 0.01, **kept}))
        served: ServedModels = app.state.served_models

        async def serve() -> None:
            async with app.router.lifespan_context(app):
                assert any(thread.name == "answer log" for thread in threading.enumerate())
                OddRegistry.looks = 0
                served.by_use_case[NAME].registry = OddRegistry(registry.root)
                await asyncio.to_thread(eventually, lambda: OddRegistry.looks > 0)
                await asyncio.sleep(0.1)

        asyncio.run(serve())
        assert not any(thread.name == "answer log" for thread in threading.enumerate())

    def test_keep_themselves_fresh(self, registry: Registry, credit_model: SmallModel) -> None:
        served = ServedModels({NAME: CREDIT_ACCOUNTS}, registry)

        async def watch() -> None:
            watcher = asyncio.create_task(served.keep_fresh(0.01))
            tampered(registry, credit_model, MODEL)
            await asyncio.to_thread(eventually, lambda: served.by_use_case[NAME].refused_bundles == 1)
            promoted(registry, credit_model)
            await asyncio.to_thread(eventually, lambda: served.ready)
            watcher.cancel()

        asyncio.run(watch())
        assert served.by_use_case[NAME].refused_bundles == 1
