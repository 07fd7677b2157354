"""What a browser does between our redirect to a provider and the provider's redirect back."""

import ssl
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx


async def signed_in_there(address: str, ca_file: Path, login: str, back: str, amr: str = "") -> str:
    """Sign in at the provider as ``login`` and return the address of ours that it sends the browser to.

    Args:
        address: Where we send the browser.
        ca_file: Authority of the provider's certificate.
        login: Who signs in there.
        back: How addresses of ours begin.
        amr: How they prove it there; empty is by password.
    """
    async with browser(ca_file) as client:
        return await signed_in_by(client, address, login, back, amr)


def browser(ca_file: Path) -> httpx.AsyncClient:
    return httpx.AsyncClient(verify=ssl.create_default_context(cafile=str(ca_file)), timeout=90)


async def signed_in_by(client: httpx.AsyncClient, address: str, login: str, back: str, amr: str = "") -> str:
    """Do it with a browser that may have a session there already."""
    answer = await client.get(address)
    for _ in range(10):
        if answer.is_redirect:
            address = urljoin(str(answer.url), answer.headers["location"])
            if address.startswith(back):
                return address
            answer = await client.get(address)
        else:
            assert answer.status_code == 200, answer.text
            answer = await client.post(str(answer.url), data={"login": login, "amr": amr})
    raise AssertionError(f"the provider never came back: {answer.status_code} {answer.text[:500]}")


def query_of(address: str) -> dict[str, str]:
    """Return the query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
