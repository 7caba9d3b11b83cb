"""What a build of the project needs is what pyproject.toml says it needs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
HOOK = """
import json, runpy, sys
sys.path.insert(0, "src")
runpy.run_path("hatch_build.py")["CompiledRegistryHook"](
    ".", {}, None, None, "dist", "wheel"
).initialize("standard", {"artifacts": []})
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_the_build_hook_imports_only_what_the_build_installs(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "hatch_build.py", tmp_path)
    run = subprocess.run(
        [sys.executable, "-c", HOOK],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    installed = {Requirement(line).name for line in project["build-system"]["requires"]}
    own = {Requirement(line).name for line in project["project"]["dependencies"]}
    by_module = packages_distributions()
    imported = {name for module in json.loads(run.stdout) for name in by_module.get(module, ())}
    assert imported & own <= installed
    assert "pydantic" in imported
