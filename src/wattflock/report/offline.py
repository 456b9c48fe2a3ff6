"""What a page needs to open without a network."""

from wattflock.errors import RunError

# Even if what a page shows were forged, it could load nothing.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"


def plotly_script() -> str:
    """The drawing library, to stand within a page.

    Raises:
        RunError: if plotly is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise RunError("the page needs plotly: pip install 'wattflock[plot]'") from error
    return get_plotlyjs().replace("</script", "<\\/script")
