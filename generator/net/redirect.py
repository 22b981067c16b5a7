"""Where a redirect that is not followed leads, and which settings would go there directly."""

from urllib.parse import urljoin, urlsplit


def redirect_target(url: str, location: str) -> tuple[str, str]:
    """The target of a redirect from `url`, without user or query, and what the operator should set.

    Both hold foreign text: show them through what neutralises it.
    """
    try:
        target = urlsplit(urljoin(url, location))
        host, port = target.hostname or "", target.port
    except ValueError:
        return location.partition("?")[0], "check `host` and `port`"
    port = port or (80 if target.scheme == "http" else 443)
    place = f"[{host}]" if ":" in host else host
    if target.scheme != "https":
        return f"{target.scheme}://{place}:{port}{target.path}", "only HTTPS is spoken: check `port`"
    here = urlsplit(url)
    if (host, port) == (here.hostname, here.port):
        return f"https://{place}:{port}{target.path}", "this is a login page: check the credentials"
    return (
        f"https://{place}:{port}{target.path}",
        f"if that is the host you mean, set `host: {host}`, `port: {port}`",
    )
