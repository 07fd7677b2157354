"""What is asked of an ACME directory, and how the account there is opened.

Source: RFC 8555; external accounts, section 7.3.4.
"""

import re
from pathlib import Path

from pydantic import Field, SecretStr, field_validator, model_validator

from pdm_app.domain.section import Section

HOST_NAME = re.compile(r"(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}")


class AcmeSettings(Section):
    """Certificates from an ACME directory: a public authority, or a server of the company's own."""

    directory: str = Field(
        default="", max_length=500, description="Its address, such as https://ca.example/acme/directory; empty: none."
    )
    mail: str = Field(default="", max_length=254, description="Where the authority writes to; may be left empty.")
    names: tuple[str, ...] = Field(
        default=(), max_length=50, description="Host names the certificate is for; the directory must reach them."
    )
    ca_file: Path | None = Field(
        default=None, description="PEM file of the authority behind the directory's own HTTPS, where it is private."
    )
    terms_agreed: bool = Field(default=False, description="Whether you agree to the terms of the directory.")
    external_key_id: str = Field(default="", max_length=200, description="Of an external account, where one is asked.")
    external_key: SecretStr | None = Field(default=None, description="Its HMAC key in base64url, as it was given.")

    @field_validator("directory")
    @classmethod
    def _directory_is_an_address(cls, directory: str) -> str:
        if directory and not re.fullmatch(r"https://[^\s/@]+(/\S*)?", directory):
            raise ValueError("is no address that begins with https://; the authority names its directory")
        return directory

    @field_validator("names")
    @classmethod
    def _names_can_be_certified(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name.startswith("*") or not HOST_NAME.fullmatch(name):
                raise ValueError(f"{name[:80]!r} is no host name that a directory can reach, such as plant.example")
        return names

    @model_validator(mode="after")
    def _directory_has_names(self) -> "AcmeSettings":
        if self.directory and not self.names:
            raise ValueError("a directory is named without names for the certificate; set PDM_TLS__ACME__NAMES")
        if bool(self.external_key_id) != (self.external_key is not None):
            raise ValueError("an external account has a key id and a key; set both, or neither")
        return self
