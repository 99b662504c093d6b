"""fraud serve: it takes its port first, and says in one line where it serves or why it cannot."""

import socket
import subprocess
from pathlib import Path

import pytest

from fraud_detection_api.model.registry import Registry
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.running_service import SERVE, eventually, running_service, service_environment
from tests.small_models import SmallModel, promoted

NAME = CREDIT_ACCOUNTS.name
OFTEN = {"reload_seconds": 0.05}


def test_without_a_model_is_one_line_however_often_it_is_asked_whether_it_is_ready(
    tmp_path: Path, credit_model: SmallModel
) -> None:
    with running_service(tmp_path, OFTEN) as service, service.client() as client:
        assert [client.get("/ready").status_code for _ in range(20)] == [503] * 20
        serving, without = service.log_lines()
        assert serving.endswith(f" INFO    Serving on {service.url}, documentation on {service.url}/docs")
        assert f"No model yet for {NAME}, card_transactions" in without
        assert without.endswith("train one with `fraud train <use case>`")
        version = promoted(Registry(tmp_path / "models"), credit_model)
        eventually(lambda: client.get("/ready").status_code == 200)
        assert f"Model loaded use_case={NAME} version={version} runtime=" in service.log_lines()[2]


@pytest.mark.parametrize("workers", [1, 2])
def test_on_a_port_that_is_taken_ends_with_one_line_that_says_the_way_out(tmp_path: Path, workers: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = service_environment({"models": tmp_path / "models", "port": port, "workers": workers})
        ended = subprocess.run(SERVE, cwd=tmp_path, env=settings, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr == (
        f"fraud: Cannot listen on 127.0.0.1, port {port}: another process has it; "
        "stop that one, or choose another port with --port or FRAUD_PORT.\n"
    )


def test_on_an_address_of_another_machine_ends_with_one_line(tmp_path: Path) -> None:
    settings = service_environment({"host": "192.0.2.1"})
    ended = subprocess.run(SERVE, cwd=tmp_path, env=settings, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (3, 1)
    assert "192.0.2.1, port 8000: Cannot assign requested address" in ended.stderr
