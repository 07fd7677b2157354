"""What a browser may load and run on a page: files of this server, and the inline scripts the build put there.

The build writes a few scripts into each page; each is allowed by its SHA-256, so that a script that somebody managed to
smuggle into a text runs nowhere. ``eval`` is not allowed: an event handler must not answer with JavaScript source
(`rx.call_script` and what is built on it); a component does what has to be done in the browser.

Style elements are allowed by hash likewise; the empty one is what the style library fills by script. Style attributes
are allowed, because charts write them into what they draw.

Source: W3C Content Security Policy Level 3.
"""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
INLINE_STYLE = re.compile(rb"<style[^>]*>(.*?)</style>", re.DOTALL | re.IGNORECASE)
FALLBACKS = ("404.html", "__spa-fallback.html")  # What the front end answers for a page whose address has parts.

NOTHING = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""For answers that are no page: should a browser show one all the same, nothing in it runs."""


class ContentPolicy:
    """The policies of the compiled pages, read once: a build never changes, the next one has a folder of its own."""

    def __init__(self, folder: Path) -> None:
        pages = {
            f"/{page.relative_to(folder).as_posix()}": page.read_bytes() for page in sorted(folder.rglob("*.html"))
        }
        self._of = {path: _policy(html) for path, html in pages.items()}
        self._fallback = _policy(b"".join(pages.get(f"/{name}", b"") for name in FALLBACKS))

    def of(self, file: str) -> bytes:
        """Return the header's value for a file such as ``/plant.html``."""
        return self._of.get(file, self._fallback)


def _policy(html: bytes) -> bytes:
    scripts = " ".join(_hashes(INLINE_SCRIPT, html))
    styles = " ".join(sorted({_hash(b""), *_hashes(INLINE_STYLE, html)}))
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {scripts}".rstrip(),
            f"style-src-elem 'self' {styles}",
            "style-src-attr 'unsafe-inline'",
            "style-src 'self' 'unsafe-inline'",  # Only for browsers that do not know the two above.
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "media-src 'self' blob:",
            "worker-src 'self' blob:",
            "manifest-src 'self'",
            "frame-src 'self' blob:",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    ).encode()


def _hashes(pattern: re.Pattern[bytes], html: bytes) -> list[str]:
    return sorted({_hash(body) for body in pattern.findall(html) if body})


def _hash(body: bytes) -> str:
    return f"'sha256-{b64encode(sha256(body).digest()).decode()}'"
