"""The Markdown pages as a site: `make docs`. The pages stay what they are, and read as well without it.

The source folder is the repository itself, so that links between pages, decisions and measured figures hold; only what
`include_patterns` names becomes a page. Nothing is loaded from outside: styles and the search's index lie in the site.
"""

from importlib.metadata import version as installed

from docutils import nodes
from latex2mathml.converter import convert

import wattflock

project = "Wattflock"
author = "the Wattflock developers"
version = release = installed("wattflock")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
include_patterns = ["*.md", "docs/*.md", "docs/site/*.md", "benchmarks/*.md", "decisions/*.md"]
exclude_patterns = [".venv", "runs", "src", "tests"]
root_doc = "docs/site/index"
suppress_warnings = ["myst.xref_missing"]  # links to code and folders, which tests/house checks

myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath"]
html_math_renderer = "mathml"
html_theme = "furo"
html_title = "Wattflock"
html_copy_source = False
html_show_sphinx = False

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
napoleon_google_docstring = True
napoleon_numpy_docstring = False


def _python_names(app: object, docname: str, source: list[str]) -> None:
    """Public names of the package, verbs before types, where the page of Python names has its place for them."""
    if docname != "docs/site/api":
        return
    verbs = [name for name in wattflock.__all__ if name[0].islower()]
    types = [name for name in wattflock.__all__ if name[0].isupper()]
    lines = [f".. autofunction:: wattflock.{name}" for name in verbs]
    parts = {"Verbs": lines, "Types": [f".. autoclass:: wattflock.{name}\n   :members:" for name in types]}
    text = "\n\n".join(
        f"## {title}\n\n```{{eval-rst}}\n" + "\n\n".join(each) + "\n```" for title, each in parts.items()
    )
    source[0] = source[0].replace("<!-- names -->", text)


def _written(display: str):
    """Writes an equation as MathML, which browsers draw: the usual renderer loads its script from outside."""

    def visit(writer, node) -> None:
        writer.body.append(convert(node.astext(), display=display))
        raise nodes.SkipNode

    return visit, None


def setup(app) -> None:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", _written("inline"), _written("block"))
    app.connect("source-read", _python_names)
