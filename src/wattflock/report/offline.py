"""A page that opens without a network."""

import json
from typing import Any

from wattflock.core.errors import RunError
from wattflock.report.page_look import SCRIPT, STYLE

# Even if what a page shows were forged, it could load nothing.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"


def document(title: str, body: str, figures: dict[str, Any], more_style: str = "") -> str:
    """A whole page with all that it needs.

    Args:
        title: escaped.
        body: HTML.
        figures: by the names that `body` has places for, as plotly reads them.
        more_style: CSS after that of every page.

    Raises:
        RunError: if plotly is not installed.
    """
    data = json.dumps(figures, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{title}</title><style>{STYLE}{more_style}</style></head><body>
{body}
<script type="application/json" id="figures">{data}</script>
<script>{_plotly_script()}</script><script>{SCRIPT}</script></body></html>
"""


def _plotly_script() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise RunError("the page needs plotly: pip install 'wattflock[plot]'") from error
    return get_plotlyjs().replace("</script", "<\\/script")
