"""Reasons for the answer log: of flagged records; what a model breaks keeps no answer from being written."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fraud_detection_api.model.bundle import bundle_files
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.answer_log.logged_reasons import LEAST_SCORERS, LoggedReasons
from fraud_detection_api.storage.answer_log.entry import form_of
from fraud_detection_api.storage.answer_log.writing import Entry
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.services.failing_kinds import ACCOUNTS, NAMES
from tests.small_models import SmallModel, bundle_of
from tests.storage.test_spool_entries import answer_about

NAME = CREDIT_ACCOUNTS.name


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """An empty registry."""
    return Registry(tmp_path / "models")


def entry_of(version: str) -> Entry:
    """Four accounts, of which a version flagged the last two."""
    answer = answer_about(CREDIT_ACCOUNTS, 4)._replace(model_version=version)
    return Entry("entry", answer, form_of(CREDIT_ACCOUNTS))


def published(registry: Registry, model: SmallModel, kind: str) -> str:
    """The version of a bundle whose model is said to be of this kind."""
    bundle = bundle_of(model)
    manifest = bundle.manifest.model_copy(update={"model_kind": kind})
    return registry.publish(NAME, bundle_files(manifest, bundle.model, bundle.reference))


def reasons_of(registry: Registry, use_case: UseCase = CREDIT_ACCOUNTS) -> LoggedReasons:
    """Reasons of one use case."""
    return LoggedReasons(registry, {NAME: use_case})


def test_flagged_records_have_reasons_and_no_others(registry: Registry, credit_model: SmallModel) -> None:
    found = reasons_of(registry).of(entry_of(registry.publish(NAME, credit_model.files)))
    assert [text is not None for text in found] == [False, False, True, True]
    assert all(json.loads(text) for text in found if text is not None)


@pytest.mark.parametrize("kind", NAMES)
def test_a_kind_that_breaks_costs_the_reasons_and_no_answer(
    registry: Registry, credit_model: SmallModel, kind: str
) -> None:
    reasons = reasons_of(registry, ACCOUNTS)
    entry = entry_of(published(registry, credit_model, kind))
    assert [reasons.of(entry), reasons.of(entry)] == [(), ()]


def test_a_disk_that_fails_is_waited_for(registry: Registry, credit_model: SmallModel) -> None:
    version = registry.publish(NAME, credit_model.files)
    manifest = registry.root / NAME / "versions" / version / "manifest.json"
    manifest.rename(manifest.with_suffix(".away"))
    manifest.symlink_to(manifest)
    reasons = reasons_of(registry)
    with pytest.raises(OSError, match="Too many levels"):
        reasons.of(entry_of(version))
    manifest.unlink()
    manifest.with_suffix(".away").rename(manifest)
    assert len(reasons.of(entry_of(version))) == 4


def test_versions_that_are_no_longer_served_do_not_pile_up(registry: Registry, credit_model: SmallModel) -> None:
    versions = [registry.publish(NAME, credit_model.files) for _ in range(LEAST_SCORERS + 2)]
    reasons = reasons_of(registry)
    for version in (*versions, versions[0]):
        assert len(reasons.of(entry_of(version))) == 4
    assert len(reasons._scorers) == LEAST_SCORERS
    assert not np.isin(versions[1:3], [version for _, version in reasons._scorers]).any()


def test_what_was_answered_with_other_fields_has_none(registry: Registry, credit_model: SmallModel) -> None:
    entry = entry_of(registry.publish(NAME, credit_model.files))
    assert reasons_of(registry).of(replace(entry, form=form_of(replace(CREDIT_ACCOUNTS, identifier=None)))) == ()
