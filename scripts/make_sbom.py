"""Print the CycloneDX 1.6 bill of materials of a built wheel.

    python scripts/make_sbom.py WHEEL > famtree.cdx.json

The wheel is the subject, with its sha256; components are what an installation of it brings, in the
versions and with the hashes that requirements/action.txt locks, for every Python and platform at
once (a marker stands as a property where one counts). Extras are left out. The same wheel and lock
give the same bytes. Needs the dependency group `release`.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK = Path(__file__).parents[1] / "requirements" / "action.txt"
OWN = "famtree (pyproject.toml)"
"""How the lock names what asked for a package: the project itself."""


@dataclass
class Locked:
    """One package of the lock; `via` names what asks for it."""

    name: str
    version: str
    marker: str = ""
    hashes: list[str] = field(default_factory=list)
    via: set[str] = field(default_factory=set)

    @property
    def purl(self) -> PackageURL:
        """Its package URL, without a file."""
        return PackageURL("pypi", None, self.name, self.version)


def read_lock(text: str) -> list[Locked]:
    """Return the packages of a lock, as `uv pip compile --annotation-style split` writes it."""
    found: list[Locked] = []
    for line in text.splitlines():
        if told := re.fullmatch(r"([a-z0-9-]+)==(\S+?)(?: ; (.+?))? \\", line):
            found.append(Locked(told[1], told[2], told[3] or ""))
        elif told := re.fullmatch(r"    --hash=sha256:([0-9a-f]{64})(?: \\)?", line):
            found[-1].hashes.append(told[1])
        elif told := re.fullmatch(r"    #(?: via)? +(\S.*)", line):
            found[-1].via.add(told[1])
        elif line.strip() != "# via":
            raise SystemExit(f"the lock has a line of another kind: {line}")
    return found


def keep_reachable(packages: list[Locked]) -> list[Locked]:
    """Return what an installation brings: not what only building the project needs."""
    wanted = {OWN}
    while True:
        more = {one.name for one in packages if one.via & wanted} - wanted
        if not more:
            return [one for one in packages if one.name in wanted]
        wanted |= more


def read_metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [one for one in archive.namelist() if one.endswith(".dist-info/METADATA")]
        return HeaderParser().parsestr(archive.read(name).decode("utf-8"))


def check_covered(required: Iterable[str], packages: list[Locked]) -> None:
    """Exit where the lock lacks a requirement of the wheel, or has it in another version."""
    for line in required:
        asked = Requirement(line)
        if asked.marker is not None and not asked.marker.evaluate({"extra": ""}):
            continue
        locked = [one for one in packages if one.name == canonicalize_name(asked.name)]
        if not locked or not all(asked.specifier.contains(one.version) for one in locked):
            raise SystemExit(f"the lock has no {line}: run scripts/lock_requirements.py")


def build_sbom(wheel: Path, lock: str) -> dict[str, Any]:
    """Return the document as plain data."""
    metadata = read_metadata(wheel)
    packages = keep_reachable(read_lock(lock))
    check_covered(metadata.get_all("Requires-Dist", []), packages)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    purl = PackageURL("pypi", None, canonicalize_name(metadata["Name"]), metadata["Version"])
    subject = Component(
        type=ComponentType.APPLICATION,
        bom_ref=purl.to_string(),
        name=metadata["Name"],
        version=metadata["Version"],
        purl=purl,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
        licenses=[LicenseExpression(metadata["License-Expression"])],
        properties=[Property(name="famtree:wheel", value=wheel.name)],
    )
    components = {one.purl.to_string(): describe(one) for one in packages}
    bom = Bom(
        components=components.values(),
        metadata=BomMetaData(component=subject),
        serial_number=uuid5(NAMESPACE_URL, f"sha256:{digest}"),
    )
    for asker, of in [(OWN, subject), *((one.name, components[one.purl.to_string()])
                                        for one in packages)]:  # fmt: skip
        bom.register_dependency(
            of, [components[one.purl.to_string()] for one in packages if asker in one.via]
        )
    document: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    del document["metadata"]["timestamp"]
    return document


def describe(one: Locked) -> Component:
    """Return a package with its marker and the hashes of all its files.

    They are properties: a hash of the component itself would be one file's, whichever is installed.
    """
    told = [Property(name="famtree:marker", value=one.marker)] if one.marker else []
    return Component(
        type=ComponentType.LIBRARY,
        bom_ref=one.purl.to_string(),
        name=one.name,
        version=one.version,
        purl=one.purl,
        properties=[
            *told,
            *(Property(name="famtree:file-sha256", value=value) for value in one.hashes),
        ],
    )


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        raise SystemExit(__doc__)
    made = build_sbom(Path(sys.argv[1]), LOCK.read_text(encoding="utf-8"))
    print(json.dumps(made, indent=2, sort_keys=True))
