"""An OpenLDAP server of the tests' own, on free loopback ports, with StartTLS and LDAPS under a private authority."""

import os
import shutil
import subprocess
import time
from pathlib import Path

from pdm_app.domain.samples import Micros
from pdm_app.services.certificate_files import make_authority, make_server
from tests.counterparts.ports import free_port, wait_for_port

SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
MODULES = ("/usr/lib/ldap", "/usr/lib64/openldap", "/usr/lib/openldap")
SCHEMAS = ("/etc/ldap/schema", "/etc/openldap/schema")

SUFFIX = "dc=plant,dc=example"
PEOPLE = f"ou=people,{SUFFIX}"
GROUPS = f"ou=groups,{SUFFIX}"
READER = f"cn=reader,{SUFFIX}"
READER_PASSWORD = "tide of linen"
ADMIN = f"cn=admin,{SUFFIX}"
ADMIN_PASSWORD = "keeper of slates"
ADA_PASSWORD = "quartz under rain"

ENTRIES = f"""\
dn: {SUFFIX}
objectClass: dcObject
objectClass: organization
dc: plant
o: Plant

dn: {PEOPLE}
objectClass: organizationalUnit
ou: people

dn: {GROUPS}
objectClass: organizationalUnit
ou: groups

dn: {READER}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: {READER_PASSWORD}

dn: uid=ada,{PEOPLE}
objectClass: inetOrgPerson
uid: ada
cn: Ada Łovelace
sn: Łovelace
mail: Ada@plant.example
userPassword: {ADA_PASSWORD}

dn: uid=bob,{PEOPLE}
objectClass: inetOrgPerson
uid: bob
cn: Bob
sn: Bob
userPassword: bob likes bridges

dn: uid=eve,{PEOPLE}
objectClass: inetOrgPerson
uid: eve
cn: Eve
sn: Eve
userPassword: eve likes edges

dn: uid=star*()\\\\,{PEOPLE}
objectClass: inetOrgPerson
uid: star*()\\
cn: Odd name
sn: Odd
userPassword: odd names happen

dn: cn=Engineers,{GROUPS}
objectClass: groupOfNames
cn: Engineers
member: uid=ada,{PEOPLE}

dn: cn=Staff,{GROUPS}
objectClass: groupOfNames
cn: Staff
member: cn=Engineers,{GROUPS}
member: uid=eve,{PEOPLE}

dn: cn=Circle,{GROUPS}
objectClass: groupOfNames
cn: Circle
member: cn=Staff,{GROUPS}
member: cn=Circle,{GROUPS}
"""


def find_slapd() -> str | None:
    """Return the server if it is installed with what it needs."""
    return shutil.which("slapd", path=SEARCH_PATH) if _first(MODULES) and _first(SCHEMAS) else None


class Slapd:
    """One server process; entries survive ``stop`` and ``start``.

    Attributes:
        ca_file: The authority that signed its certificate.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port, self.tls_port = free_port(), free_port()
        self.ca_file = folder / "ca.pem"

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"ldaps://127.0.0.1:{self.tls_port}"

    def create(self) -> None:
        """Write certificate and configuration, and fill the database."""
        (self._folder / "db").mkdir(parents=True)
        now = Micros(time.time_ns() // 1000)
        authority, key = make_authority(now, "LDAP test authority")
        self.ca_file.write_text(authority)
        (self._folder / "server.pem").write_text(make_server(now, authority, key, ["127.0.0.1"]))
        schemas = "\n".join(f"include {_first(SCHEMAS)}/{name}.schema" for name in ("core", "cosine", "inetorgperson"))
        (self._folder / "slapd.conf").write_text(
            f"""\
{schemas}
pidfile {self._folder}/slapd.pid
modulepath {_first(MODULES)}
moduleload back_mdb
moduleload memberof
moduleload ppolicy
TLSCACertificateFile {self.ca_file}
TLSCertificateFile {self._folder}/server.pem
TLSCertificateKeyFile {self._folder}/server.pem
database mdb
maxsize 10485760
suffix "{SUFFIX}"
rootdn "{ADMIN}"
rootpw "{ADMIN_PASSWORD}"
directory {self._folder}/db
overlay memberof
overlay ppolicy
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{READER}" read by * none
"""
        )
        self._add(ENTRIES)

    def _add(self, ldif: str) -> None:
        command = [shutil.which("slapadd", path=SEARCH_PATH) or "slapadd", "-q", "-f", str(self._folder / "slapd.conf")]
        subprocess.run(command, input=ldif.encode(), check=True, capture_output=True, timeout=90)

    def modify(self, ldif: str) -> None:
        """Change entries of the running server, as its admin."""
        command = ["ldapmodify", "-x", "-H", self.url, "-D", ADMIN, "-w", ADMIN_PASSWORD]
        subprocess.run(command, input=ldif.encode(), check=True, capture_output=True, timeout=90)

    def start(self) -> None:
        urls = f"{self.url} {self.tls_url}"
        with (self._folder / "slapd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [find_slapd() or "slapd", "-f", str(self._folder / "slapd.conf"), "-h", urls, "-d", "stats"],
                stdout=log,
                stderr=log,
            )
        process = self._process
        for port in (self.port, self.tls_port):
            wait_for_port(port, within_s=120, still_running=lambda: process.poll() is None)

    @property
    def log(self) -> str:
        """What the server has written of its work."""
        return (self._folder / "slapd.log").read_text(errors="replace")

    def stop(self) -> None:
        """Shut down; safe to call twice."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=90)
            self._process = None


def _first(folders: tuple[str, ...]) -> str | None:
    return next((folder for folder in folders if Path(folder).is_dir()), None)
