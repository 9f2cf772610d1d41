"""How Sphinx makes the site of `make docs` (scripts/docs).

Its source is the whole tree: each page stays where it lies, so that one relative link is good in an
editor, on a forge and on the site, and `docs/index.md` says where it hangs. A page that hangs
nowhere is a warning, and every warning is an error.
"""

from sphinx.application import Sphinx

import sealbuf

project = "Sealbuf"
project_copyright = "Apache-2.0"
version = release = sealbuf.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
root_doc = "docs/index"
include_patterns = [
    *(f"{page}.md" for page in ("README", "ARCHITECTURE", "CHANGELOG", "CONTRIBUTING", "SECURITY")),
    *(f"{folder}/**.md" for folder in ("bench", "deploy", "docs", "fuzz/src", "protocol")),
]
exclude_patterns = [".*", "**/.envs", "**/target", "dist", "target"]

# Links to headings, as a forge makes them.
myst_heading_anchors = 4
highlight_language = "none"

# Docstrings say `x` where code is meant, be they shown by help() or here.
default_role = "code"
autodoc_class_signature = "separated"
# Users make none of them: each comes from some call.
autodoc_default_options = {"exclude-members": "__init__, __new__, of"}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
maximum_signature_line_length = 100

html_theme = "furo"
html_title = f"Sealbuf {release}"
html_copy_source = False
# The one leads from the site's top to `docs/index`; the other is what `make docs` made before.
html_extra_path = ["first", "../target/docs/extra"]


def say_what_to_do(
    _app: Sphinx, _what: str, _name: str, subject: object, _options: object, lines: list[str]
) -> None:
    """Behind an error's own words: the code on the wire and the advice that its message ends in."""
    if isinstance(subject, type) and issubclass(subject, sealbuf.Error) and subject.advice:
        lines += [f"Code `{subject.code}`. What to do: {subject.advice}.", ""]


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-docstring", say_what_to_do)
