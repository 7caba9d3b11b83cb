"""What a user may write: every public function, with types that hold under `mypy --strict`."""

from __future__ import annotations

import sys
from pathlib import Path

import famtree


def tell(folder: Path, policy: Path) -> list[str]:
    """Return what famtree says of a checkpoint on this machine."""
    told: list[str] = []
    result: famtree.Identification = famtree.identify(folder, offline=True)
    key: str | None = result.family.key if result.family else None
    told.append(f"{result.outcome} {key} {result.confidence:.2f} {result!r}")
    graph: famtree.Lineage = famtree.lineage(str(folder), depth=2, offline=True)
    told += [f"{edge.child} {edge.parent} {edge.status}" for edge in graph.edges]
    told += [graph.to_mermaid(), graph.to_markdown(), graph.to_dot()]
    plan = famtree.Plan(context=32768, batch=4, gpu_memory=24.0)
    pair: famtree.Comparison = famtree.compare(folder, folder, plan=plan, offline=True)
    told += [f"{one.question} {one.engine} {one.answer}" for one in pair.interchange]
    fits: famtree.FitReport = famtree.fit(folder, gpu="L4", engines=["vllm"], offline=True)
    told += [f"{one.engine} {one.fits}" for one in fits.engines]
    report: famtree.CheckReport = famtree.check(policy, offline=True)
    told.append(f"{report.holds} {report.to_markdown()}")
    told += [str(row["family"]) for row in famtree.scan([folder], workers=1, offline=True)]
    told.append(str(famtree.bom(folder, offline=True)["bomFormat"]))
    try:
        told.append(str(famtree.attest(folder, offline=True)["predicateType"]))
    except famtree.FamtreeError as error:
        told.append(f"{error.code} {error.exit_code} {error.message} {error.hint}")
    place: famtree.Place = folder
    session = famtree.Session(token=False, offline=True)
    told.append(session.identify(place).to_markdown())
    return [f"famtree {famtree.__version__}", *told]


if __name__ == "__main__":
    sys.stdout.write("\n".join(tell(Path(sys.argv[1]), Path(sys.argv[2]))) + "\n")
