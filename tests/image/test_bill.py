"""deploy/image/bill-of-materials: the fields CycloneDX 1.5 demands, and the same bytes from the same inputs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests import ROOT

PROGRAM = ROOT / "deploy" / "image" / "bill-of-materials"
SERIAL = re.compile(r"^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    packages = "libc6 2.36-9+deb12u1 amd64 glibc\nlibstdc++6 1:12.2 amd64 gcc-12\n"
    (tmp_path / "packages").write_text(packages, encoding="ascii")
    (tmp_path / "wheels").mkdir()
    for name, licence in (("Py_One-1.0", "License: MIT\n"), ("two-2.0", "License: " + "long text " * 50 + "\n")):
        with zipfile.ZipFile(tmp_path / "wheels" / f"{name}-py3-none-any.whl", "w") as wheel:
            package, version = name.split("-")
            metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n{licence}"
            wheel.writestr(f"{name}.dist-info/METADATA", metadata)
    sums = f"{'a' * 64}  Py_One-1.0-py3-none-any.whl\n{'b' * 64}  two-2.0-py3-none-any.whl\n"
    (tmp_path / "wheels.sums").write_text(sums, encoding="ascii")
    return tmp_path


def made(work: Path, version: str = "1.2") -> bytes:
    done = subprocess.run(
        [sys.executable, PROGRAM, version, work],
        env={"SOURCE_DATE_EPOCH": "1700000000", "PYTHONPATH": ""}, capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    return done.stdout


def test_the_bill_has_what_the_format_demands(work: Path) -> None:
    bill: dict[str, Any] = json.loads(made(work))
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.5", 1)
    assert SERIAL.match(bill["serialNumber"])
    assert bill["metadata"]["component"]["version"] == "1.2"
    assert bill["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    for component in bill["components"]:
        assert {"type", "name", "version", "purl", "bom-ref"} <= component.keys()
    references = [component["bom-ref"] for component in bill["components"]]
    assert len(set(references)) == len(references)
    assert bill["dependencies"] == [{"ref": "kiosk", "dependsOn": references}]


def test_every_package_and_wheel_is_named_by_its_address_and_hash(work: Path) -> None:
    components = json.loads(made(work))["components"]
    assert [component["purl"] for component in components] == [
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u1?arch=amd64&distro=debian-12",
        "pkg:deb/debian/libstdc%2B%2B6@1%3A12.2?arch=amd64&distro=debian-12",
        "pkg:pypi/py-one@1.0",
        "pkg:pypi/two@2.0",
    ]
    assert components[2]["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert components[2]["licenses"] == [{"license": {"name": "MIT"}}]
    assert "licenses" not in components[3]


def test_the_same_inputs_give_the_same_bytes_and_another_version_another_serial_number(work: Path) -> None:
    assert made(work) == made(work)
    assert json.loads(made(work))["serialNumber"] != json.loads(made(work, "1.3"))["serialNumber"]
