"""How the site is built: Sphinx over the Markdown as it stands, with a reference made from docstrings beside it.

Sphinx adds what plain Markdown has no words for when it reads a page: the table of contents, and the fixtures.
"""

import ast
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
sys.path.insert(0, str(ROOT))

project = "sfn-emulator"
root_doc = "README"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["examples"]
html_theme = "furo"
html_title = "sfn-emulator"
myst_heading_anchors = 4
autodoc_default_options = {"member-order": "bysource"}
autodoc_typehints = "description"

_LINK = re.compile(r"\[([^]]*)\]\(([^)#:\s]+\.md)(#[^)]*)?\)")


def contents(text: str) -> str:
    """The table of contents of a README: the pages it links to, in its order. A page in none fails the build."""
    pages = dict.fromkeys(found[2].removesuffix(".md") for found in _LINK.finditer(text))
    return "\n\n```{toctree}\n:hidden:\n\n" + "\n".join(page for page in pages if not page.startswith("..")) + "\n```\n"


def inside(text: str, page: Path) -> str:
    """Without the links to Markdown outside ``docs/``, no part of the site; tests/test_docs.py checks them."""

    def kept(found: re.Match[str]) -> str:
        return found[0] if (page.parent / found[2]).resolve().is_relative_to(DOCS) else found[1]

    return _LINK.sub(kept, text)


def fixtures() -> str:
    """Each fixture with its docstring; autodoc passes them over, for they are no functions any more."""
    plugin = ast.parse((ROOT / "sfn_emulator" / "pytest_plugin.py").read_text(encoding="utf-8"))
    found = [node for node in plugin.body if isinstance(node, ast.FunctionDef) and _is_fixture(node)]
    return "\n\n".join(f".. py:function:: {node.name}\n\n{_indented(ast.get_docstring(node) or '')}" for node in found)


def _is_fixture(node: ast.FunctionDef) -> bool:
    return any("fixture" in ast.unparse(decorator) for decorator in node.decorator_list)


def _indented(text: str) -> str:
    return "\n".join(f"   {line}" for line in text.splitlines())


def _completed(app: Any, page: str, content: list[str]) -> None:
    if page == "site/api":
        content[0] = content[0].replace(".. fixtures", fixtures())
        return
    text = inside(content[0], DOCS / f"{page}.md")
    if page == root_doc:
        text += contents(f"{text} [](site/api.md)")
    elif page.endswith("README"):
        text += contents(text)
    content[0] = text


def _examples(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """What is indented in a docstring is code."""
    for n in reversed(range(1, len(lines))):
        begins = lines[n].startswith("    ") and not lines[n - 1].strip()
        if begins and not any(line.startswith("    ") for line in lines[max(0, n - 2) : n]):
            lines[n:n] = ["::", ""]


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", _examples)
    app.connect("source-read", _completed)
