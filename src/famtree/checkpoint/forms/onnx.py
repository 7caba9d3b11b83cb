"""ONNX graphs, which name no design: said what the first one is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from famtree.checkpoint.forms.stand_in import StandIn, Tables

if TYPE_CHECKING:
    from famtree.checkpoint.gathered import Gathered
    from famtree.types.source import CheckpointSource


class Onnx(StandIn):
    """An ONNX export; a graph in a repository is not walked over the network."""

    def take(self, source: CheckpointSource, found: Gathered, tables: Tables) -> bool:
        """Describe the first graph."""
        del tables
        graphs = [one for one in found.listing.files if one.name.lower().endswith(".onnx")]
        if not graphs or found.index.names or found.config:
            return False
        name, size = graphs[0].name, graphs[0].size or 0
        told = ""
        if source.near:
            from famtree.fingerprints.onnx_graph import describe_graph, read_onnx_graph

            def read(start: int, stop: int) -> bytes:
                data = source.read_ranges({name: (start, stop)})[name]
                return data if isinstance(data, bytes) else b""

            graph = read_onnx_graph(read, size)
            told = f" ({name[:80]}: {describe_graph(graph)})" if graph is not None else ""
        found.explanation = (
            f"ONNX graphs without a config.json that states the model's design{told}"
        )
        return True
