"""The cut of the house holds, and each of its contracts can fail."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("contracts", "runtime", "headunit", "telematics", "backend_stub", "hardware")

BREAKS = {
    "head unit: data walks down": ("headunit/domain/facts.py", "import headunit.services.car"),
    "telematics: program > adapters > unit > models": ("telematics/link/model.py", "import telematics.unit"),
    "backend: program > web, adapters > service > domain": (
        "backend_stub/domain/money.py",
        "import backend_stub.service",
    ),
    "runtime stands on contracts alone": ("runtime/ids.py", "import hardware"),
    "contracts stand on nothing of ours": ("contracts/link.py", "import runtime.errors"),
    "the programs do not know each other": ("backend_stub/app.py", "import telematics.app"),
    "nobody imports the head unit": ("telematics/app.py", "import headunit.domain.facts"),
    "only the commands and sim put the world together": (
        "headunit/services/car.py",
        "import backend_stub.app",
    ),
    "Textual only in the view": ("runtime/journal.py", "import textual"),
    "the view does no I/O": ("headunit/ui/app.py", "import sqlite3"),
    "CAN only on the bridge": ("headunit/sim/world.py", "import can"),
    "paho only behind the MQTT port, SQLAlchemy only in the store": (
        "headunit/services/session.py",
        "import paho.mqtt.client",
    ),
    "pure rooms do no I/O, read no clock, draw no luck": ("backend_stub/domain/order.py", "import time"),
}


def contract_names() -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]]


@pytest.fixture
def copy_of_the_house(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(folder: Path) -> str:
    command = (
        "import sys; sys.path.insert(0, '.');"
        "from importlinter.cli import lint_imports_command as main; main(['--no-cache'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    return done.stdout + done.stderr


def test_every_contract_has_a_way_to_break_it() -> None:
    assert list(BREAKS) == contract_names()


def test_the_house_keeps_its_contracts(copy_of_the_house: Path) -> None:
    said = lint_imports(copy_of_the_house)
    for name in contract_names():
        assert f"{name} KEPT" in said, said


def test_each_contract_fails_when_it_is_broken(copy_of_the_house: Path) -> None:
    for file, line in BREAKS.values():
        path = copy_of_the_house / file
        path.write_text(path.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    said = lint_imports(copy_of_the_house)
    for name in contract_names():
        assert f"{name} BROKEN" in said, f"{name} was not seen to fail:\n{said}"
