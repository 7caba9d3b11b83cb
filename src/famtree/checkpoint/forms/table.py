"""The forms of checkpoints famtree knows, the most telling first. A new form is one line here."""

from __future__ import annotations

from famtree.checkpoint.forms.adapter import AdapterFolder
from famtree.checkpoint.forms.archive import PyTorchArchive
from famtree.checkpoint.forms.folder import ConfigOnly, IndexOnly
from famtree.checkpoint.forms.form import FileForm
from famtree.checkpoint.forms.gguf import Gguf
from famtree.checkpoint.forms.pipeline import Pipeline
from famtree.checkpoint.forms.safetensors import Safetensors
from famtree.types.checkpoint import CheckpointRef, Listing

FORMS: list[type[FileForm]] = [
    Pipeline,
    Safetensors,
    AdapterFolder,
    Gguf,
    PyTorchArchive,
    IndexOnly,
    ConfigOnly,
]


def choose_form(listing: Listing, ref: CheckpointRef) -> type[FileForm]:
    """Return the form of the files: what the reference names, else the first that recognises them.

    A file that was asked for by name is of the form that its ending tells.
    """
    asked = (ref.file or ref.path or "").lower()
    for form in FORMS:
        if form.alone and asked.endswith(form.suffixes):
            return form
    return next(form for form in FORMS if form.recognises(listing))
