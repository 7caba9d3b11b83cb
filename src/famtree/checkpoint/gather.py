"""Read what a first answer needs: one listing, then one wave of small files and header prefixes."""

from __future__ import annotations

from msgspec.structs import replace

from famtree.checkpoint.claims import MERGE_FILES
from famtree.checkpoint.gathered import CONFIG, MAX_SMALL_FILE, Gathered, OnProgress
from famtree.errors import AccessError, ConfigError
from famtree.fingerprints.json_text import decode_object
from famtree.sources.header_plan import list_pickles, plan_headers
from famtree.sources.tensor_index import MAX_INDEX_BYTES, read_tensor_index
from famtree.types.checkpoint import CheckpointRef, Listing, Missing
from famtree.types.identification import Notice, PickledWeights
from famtree.types.source import CheckpointSource

MAX_ARCHIVES = 256
MAX_SIDE_VALUES = 400_000
"""Tables, lists and a quarter of the keys of all small files beside config.json, and one for every
64 bytes, counted before they are decoded: such a value takes some hundred bytes of memory."""

_SMALL_FILES = (
    CONFIG,
    "generation_config.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "quantize_config.json",
    "quant_config.json",
    "hf_quant_config.json",
    "quanto_qmap.json",
    "adapter_config.json",
    *MERGE_FILES,
)
_FALLBACK_FILES = {"tokenizer_config.json": ("special_tokens_map.json", "added_tokens.json")}
"""Read only where the file that repeats their content is absent."""
_TEMPLATE_FALLBACK = "chat_template.json"


def gather(
    source: CheckpointSource, on_progress: OnProgress | None = None, *, headers: bool = True
) -> Gathered:
    """Read listing, small files and, unless told not to, headers.

    Raises FetchError kin when nothing could be fetched, ConfigError for a broken config.json and
    HeaderError for a broken header. A broken side file is a notice: it could only add detail.
    """
    report = on_progress or (lambda _: None)
    report("listing files")
    listing = source.list_files()
    local = source.kind != "hub"
    plan = plan_headers(listing, everything=local)
    if plan.format == "gguf" or _names_gguf(source.ref):
        from famtree.checkpoint.gguf import gather_gguf  # 20 ms that others need not pay

        return gather_gguf(source, listing, report)
    names = choose_small_files(listing)
    if not headers:
        plan = replace(plan, prefixes={}, index=None)
    report("reading config and headers")
    # Over a network all comes in one wave; on a disk the index may be longer than small files are.
    index = [plan.index] if plan.index is not None else []
    wave = source.read_wave(
        names if local else [*names, *index], plan.prefixes, limit=MAX_SMALL_FILE
    )
    if local and index:
        wave |= source.read_wave(index, {}, limit=MAX_INDEX_BYTES)
    found = Gathered(listing, plan)
    left = MAX_SIDE_VALUES
    for name in names:
        data = wave.get(name)
        if isinstance(data, bytes) and name != CONFIG:
            left -= data.count(b"{") + data.count(b"[") + data.count(b":") // 4 + len(data) // 64
        if isinstance(data, bytes) and left < 0:
            message = f"{name} was not read: the small files hold too many values together"
            found.notices.append(
                Notice.model_construct(code="side-file-unreadable", message=message)
            )
        elif isinstance(data, bytes):
            _decode(found, name, data)
        elif isinstance(data, Missing) and name == CONFIG:
            found.notices.append(
                Notice.model_construct(
                    code="config-unread", message=f"{CONFIG} was not read: {data.reason}"
                )
            )
    found.index, notices = read_tensor_index(source, listing, plan, wave)
    found.notices += [
        Notice.model_construct(code=code, message=message) for code, message in notices
    ]
    unserved = all(isinstance(data, Missing) for data in wave.values())
    if listing.gated and unserved and (wave or not listing.files):
        raise AccessError(
            "the repository is gated and none of its files may be read",
            hint="accept its terms on its page and log in with `hf auth login`",
        )
    if plan.format == "pickle" and local and headers:
        found.pickled = _list_pickles(source, listing)
    if "model_type" not in found.config and plan.format != "adapter":
        from famtree.checkpoint.forms import look_closer

        look_closer(source, found)
    return found


def _names_gguf(ref: CheckpointRef) -> bool:
    return (ref.file or ref.path or "").lower().endswith(".gguf")


def _list_pickles(source: CheckpointSource, listing: Listing) -> PickledWeights | None:
    """Read the directories of the pickled weight files at the root; a local read costs little."""
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
            data = source.read_ranges({name: (start, stop)})[name]
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


def choose_small_files(listing: Listing) -> list[str]:
    """Return the small files to read, the fewest that say everything."""
    present = {entry.name for entry in listing.files}
    names = [name for name in _SMALL_FILES if name in present]
    for name, fallbacks in _FALLBACK_FILES.items():
        if name not in present:
            names += [fallback for fallback in fallbacks if fallback in present]
    if "chat_template.jinja" not in present and _TEMPLATE_FALLBACK in present:
        names.append(_TEMPLATE_FALLBACK)
    return names


def _decode(found: Gathered, name: str, data: bytes) -> None:
    if name == CONFIG:
        found.config = decode_object(data, name)
        return
    found.raw[name] = data
    if name.endswith((".jinja", ".yml", ".yaml")):
        found.side_files[name] = data.decode("utf-8", "replace")
        return
    try:
        found.side_files[name] = decode_object(data, name)
    except ConfigError as fault:
        del found.raw[name]
        found.notices.append(
            Notice.model_construct(code="side-file-unreadable", message=fault.message)
        )
