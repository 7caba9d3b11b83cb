"""Sphinx's settings. `sphinx-build -W docs OUT` needs no network; what it writes needs none."""

from __future__ import annotations

from famtree import __version__

project = "famtree"
author = "the famtree developers"
project_copyright = ""
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"famtree {__version__}"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
# Furo's own footer icons and scripts are local; nothing else is loaded.
html_theme_options = {"source_edit_link": "", "top_of_page_buttons": []}

myst_heading_anchors = 4

# Docstrings speak of parameters and types in single backticks.
default_role = "literal"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
maximum_signature_line_length = 80
autodoc_default_options = {
    "members": True,
    "undoc-members": True,
    "exclude-members": "model_config, model_post_init",
}
