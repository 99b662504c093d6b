"""A fitter that dies while it publishes: what can be seen afterwards is whole, and the next one goes on."""

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import load_scorer
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.running_service import service_environment
from tests.training.fitting import QUICK, accounts_file, fitted

NAME = CREDIT_ACCOUNTS.name

FITS_FOREVER = """
import sys
from pathlib import Path
from dataclasses import replace
from tests.training.fitting import QUICK, fitted

while True:
    fitted(Path(sys.argv[1]), Path(sys.argv[2]), replace(QUICK, rounds=120, patience=0, learning_rate=0.02))
"""


def test_a_fitter_killed_while_it_publishes_leaves_nothing_half_visible(tmp_path: Path) -> None:
    data, models = accounts_file(tmp_path), tmp_path / "models"
    left_over, registry = False, Registry(models)
    for _ in range(4):
        killed_while_publishing(data, models)
        left_over = left_over or any((models / NAME).glob(".staging-*"))
        versions = registry.versions(NAME)
        for version in versions:
            load_scorer(registry.bundle(NAME, version), CREDIT_ACCOUNTS)
        assert registry.aliases(NAME).champion in [None, *versions]
        if left_over:
            break
    assert left_over, "no kill came while something was half written"
    after = fitted(data, models, replace(QUICK, force="the test needs a champion"))
    assert registry.aliases(NAME).champion == after.version
    assert not any((models / NAME).glob(".staging-*"))


def killed_while_publishing(data: Path, models: Path) -> None:
    """Kill a fitter with SIGKILL the moment a bundle that is being written can be seen on disk."""
    before = set((models / NAME).glob(".staging-*"))
    command = [sys.executable, "-c", FITS_FOREVER, str(data), str(models)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=service_environment({})) as fitter:
        while not set((models / NAME).glob(".staging-*")) - before:
            assert fitter.poll() is None
        fitter.send_signal(signal.SIGKILL)
        assert fitter.wait() == -signal.SIGKILL
