"""A model whose covers cannot be used scores on; asked for reasons it says that it has none, and what to do."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import orjson
import pytest

from fraud_detection_api.errors import ReasonsUnavailable
from fraud_detection_api.features.rows import RecordReader
from fraud_detection_api.model.bundle import bundle_files
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.saved_trees import COVER_KEY
from fraud_detection_api.model.scorer import load_scorer
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.examples import body_of, good_rows, records_of
from tests.running_service import running_service
from tests.small_models import SmallModel, bundle_of, promoted

ROWS = good_rows(CREDIT_ACCOUNTS, 3)
DAMAGES: dict[str, Callable[[dict[str, object]], object]] = {
    "absent": lambda tree: tree.pop(COVER_KEY),
    "all 0": lambda tree: tree.update({COVER_KEY: [0.0] * len(as_list(tree[COVER_KEY]))}),
}


def as_list(values: object) -> list[object]:
    assert isinstance(values, list)
    return values


# the library itself cannot read trees whose covers are absent: without the forest, nothing scores them
@pytest.fixture(params=[pytest.param("absent", marks=pytest.mark.compiled), "all 0"])
def unexplained(request: pytest.FixtureRequest, credit_model: SmallModel) -> SmallModel:
    """A model whose file was edited: the scores are the same, the covers are not."""
    bundle = bundle_of(credit_model)
    document = orjson.loads(bundle.model)
    for tree in document["learner"]["gradient_booster"]["model"]["trees"]:
        DAMAGES[request.param](tree)
    return replace(credit_model, files=bundle_files(bundle.manifest, orjson.dumps(document), bundle.reference))


@pytest.fixture
def serving(unexplained: SmallModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, str]]:
    """A service of it, and its version."""
    folder = tmp_path_factory.mktemp("unexplained")
    version = promoted(Registry(folder / "models"), unexplained)
    with running_service(folder, {}) as service, service.client() as client:
        yield client, version


def test_it_refuses_to_explain_and_names_itself(unexplained: SmallModel) -> None:
    scorer = load_scorer(bundle_of(unexplained), CREDIT_ACCOUNTS)
    columns = RecordReader(CREDIT_ACCOUNTS).columns(records_of(ROWS, CREDIT_ACCOUNTS))
    assert scorer.scores(columns).values.tobytes() == unexplained.scores(ROWS).tobytes()
    with pytest.raises(ReasonsUnavailable, match=f"version {scorer.version} cannot be explained.*train the model"):
        scorer.contributions(columns)


def test_a_request_for_reasons_is_told_so_and_others_are_answered(serving: tuple[httpx.Client, str]) -> None:
    client, version = serving
    for query in ("?reasons=4&reasons_for=all", "?reasons=%34&reasons_for=all"):
        body = body_of(ROWS)
        headers = {"Content-Type": "application/json"}
        refused = client.post(f"/score/credit_accounts{query}", content=body, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (503, "reasons_unavailable")
        assert version in refused.json()["detail"]
        assert client.post("/score/credit_accounts", content=body, headers=headers).status_code == 200
