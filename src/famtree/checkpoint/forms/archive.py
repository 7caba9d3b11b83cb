"""PyTorch archives: pickles, which are listed and never opened."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from famtree.checkpoint.forms.folder import Folder
from famtree.sources.header_plan import list_pickles
from famtree.types.checkpoint import Listing
from famtree.types.identification import PickledWeights

if TYPE_CHECKING:
    from famtree.checkpoint.gathered import Gathered

MAX_ARCHIVES = 256


class PyTorchArchive(Folder):
    """A model in pickled files; on a disk their directories tell how much they hold."""

    name = "pickle"
    suffixes = (".bin", ".pt", ".pth", ".ckpt")
    unread = "the weights are pickles, whose shapes are not read"

    @classmethod
    def recognises(cls, listing: Listing) -> bool:
        """Return whether pickled weights lie at the root."""
        return bool(list_pickles(listing))

    def gather(self, listing: Listing, report: Callable[[str], None], *, headers: bool) -> Gathered:
        """Read the small files, and the directories of the archives where that costs little."""
        found = super().gather(listing, report, headers=headers)
        if headers and self.source.near:
            found.pickled = self._list_archives(listing)
        return found

    def describe_unread(self, first: str) -> str:
        """Return why nothing of a pickle is read."""
        return f"pickle weights ({first}) are never opened, because loading them can run code"

    def _list_archives(self, listing: Listing) -> PickledWeights | None:
        from famtree.sources.pickle_archive import MAX_ALL, list_storages

        found = []
        left = MAX_ALL
        for name in list_pickles(listing)[:MAX_ARCHIVES]:
            entry = listing.find(name)

            def read(start: int, stop: int, name: str = name) -> bytes:
                nonlocal left
                left -= stop - start
                if left < 0:
                    raise OSError("the directories are too long together")
                data = self.source.read_ranges({name: (start, stop)})[name]
                return data if isinstance(data, bytes) else b""

            storages = list_storages(read, entry.size) if entry and entry.size else None
            if storages is not None:
                found.append(storages)
        if not found or left < 0:
            return None
        return PickledWeights.model_construct(
            files=len(found),
            storages=sum(one.count for one in found),
            bytes=sum(one.size for one in found),
        )
