"""An admin brings firmware to devices, all the way and back, on the pages and with the command that signs offline.

The devices are gateways with the reference agent, which believe nothing but signatures; they ran a release before that
was proven on them, so that there is a way back.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pdm_agent.trust import Trust
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from pdm_app.services.firmware_signatures import public_key_of, signature_of
from tests.counterparts.product import RunningProduct
from tests.counterparts.update_agents import UpdateAgent, living_agents
from tests.journeys.steps import FIRST_VALUES_MS, sign_in

pytestmark = pytest.mark.journey
ROOT = Path(__file__).parents[2]
SITE, MODEL, REVISION = "graz", "GJ-1", "A"
CODES = ("gj-1", "gj-2", "gj-3", "gj-4")
FACTORY, FIRST, SECOND = "0.9.0", "1.0.0", "1.1.0"
IMAGE = Random(3).randbytes(200_000)
PASSPHRASE = "copper lantern drifts"
PROVEN_MS = 90_000


@dataclass
class Plant:
    """The product, who looks at it, and the gateways."""

    demo: RunningProduct
    ada: Page
    max: Page
    folder: Path
    gateways: Mapping[str, UpdateAgent]

    def hold(self, *, wanted: bool) -> None:
        """Have the gateways do nothing, or go on: so that what comes first does not hang on who is quicker."""
        for gateway in self.gateways.values():
            gateway.is_held = wanted

    def runs(self) -> set[str]:
        return {gateway.version for gateway in self.gateways.values()}


def ask(page: Page, demo: RunningProduct, path: str, **given: Any) -> Any:
    answer = page.request.get(f"{demo.url}/trpc/{path}", params={"input": json.dumps(given)})
    assert answer.ok, answer.text()
    return answer.json()["result"]["data"]


def tell(page: Page, demo: RunningProduct, path: str, **given: Any) -> Any:
    answer = page.request.post(f"{demo.url}/trpc/{path}", data=given, headers={"origin": demo.url})
    assert answer.ok, answer.text()
    return answer.json()["result"]["data"]


@contextmanager
def signed_in(browser: Browser, demo: RunningProduct, name: str) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    context.set_default_timeout(FIRST_VALUES_MS)
    page = context.new_page()
    sign_in(page, demo, name)
    yield page
    context.close()


def first_release(ada: Page, max_: Page, demo: RunningProduct) -> tuple[str, str]:
    """Publish what the gateways get first; return its id and the public key that vouches for it."""
    private = Ed25519PrivateKey.generate()
    key = public_key_of(private)
    tell(ada, demo, "signing_keys.add", facts={"name": "First desk", "public_key": key})
    sent = ada.request.post(
        f"{demo.url}/api/uploads?kind=firmware&name=first.bin", data=Random(1).randbytes(50_000),
        headers={"origin": demo.url, "content-type": "application/octet-stream"},
    )  # fmt: skip
    assert sent.ok, sent.text()
    facts = {"name": "gj-os", "version": FIRST, "hardware": [{"model": MODEL, "revisions": [REVISION]}],
             "security_version": 1, "rollback_safe": True}  # fmt: skip
    release = tell(ada, demo, "releases.create", upload_id=sent.json()["id"], facts=facts)
    manifest = ask(ada, demo, "releases.manifest", release_id=release["id"])["manifest"]
    tell(ada, demo, "releases.sign", release_id=release["id"], signature=signature_of(private, manifest.encode()))
    tell(max_, demo, "releases.approve", release_id=release["id"])
    tell(ada, demo, "releases.publish", release_id=release["id"])
    return release["id"], key


@pytest.fixture
def plant(browser: Browser, demo: RunningProduct, tmp_path: Path) -> Iterator[Plant]:
    """Gateways that run a proven release, and two people who may look after them."""
    subprocess.run(
        [sys.executable, "-m", "pdm_app", "firmware", "keygen", "release.key", "--passphrase-file", "words"],
        cwd=offline(tmp_path), check=True, capture_output=True, timeout=120, env=command_environment(),
    )  # fmt: skip
    second_key = (tmp_path / "offline" / "release.pub").read_text().strip()
    with signed_in(browser, demo, "Ada, admin") as ada, signed_in(browser, demo, "Max, manager") as max_:
        first, first_key = first_release(ada, max_, demo)
        director = ask(ada, demo, "signing_keys.director")["public_key"]
        agents = []
        for code in CODES:
            device = tell(ada, demo, "devices.create", site_id=SITE, code=code, name=code, model=MODEL)
            token = tell(ada, demo, "devices.create_key", device_id=device["id"])["secret"]
            trust = Trust(code, MODEL, REVISION, (first_key, second_key), director)
            base = f"{demo.url}/DEFAULT/controller/v1/{code}"
            agents.append(UpdateAgent(tmp_path / "gateways" / code, base, token, trust, FACTORY))
        with living_agents(agents) as gateways:
            plant = Plant(demo, ada, max_, tmp_path / "offline", gateways)
            to_first(plant, first)
            yield plant


def offline(folder: Path) -> Path:
    """The machine of who signs: a folder that the product does not know."""
    place = folder / "offline"
    place.mkdir()
    (place / "words").write_text(PASSPHRASE + "\n")
    (place / "gj-os-1.1.0.bin").write_bytes(IMAGE)
    return place


def command_environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}


def to_first(plant: Plant, release_id: str) -> None:
    """Bring the gateways what they run before the journey, and wait until it is proven."""
    facts = {"site_id": SITE, "name": "Gateways GJ", "filter": f'model = "{MODEL}"'}
    group = tell(plant.ada, plant.demo, "device_groups.create", facts=facts)
    made = tell(plant.ada, plant.demo, "campaigns.create", facts={
        "site_id": SITE, "name": "First of all", "release_id": release_id, "group_id": group["id"],
        "phases": [{"name": "Everybody"}], "soak_s": 0, "second_person": False,
    })  # fmt: skip
    tell(plant.ada, plant.demo, "campaigns.approve", campaign_id=made["id"])
    tell(plant.ada, plant.demo, "campaigns.start", campaign_id=made["id"])
    plant.ada.goto(f"{plant.demo.url}/firmware/campaign/{made['id']}")
    expect(chip(plant.ada)).to_have_text("Finished", timeout=PROVEN_MS)
    assert plant.runs() == {FIRST}


def chip(page: Page) -> Locator:
    return page.locator(".campaign .chip").first


def step(page: Page, name: str, reason: str = "") -> None:
    """Take a step with a campaign: the button, and the sheet that says what it leads to."""
    page.locator(".campaign").get_by_role("button", name=name, exact=True).click()
    sheet = page.get_by_role("dialog")
    if reason:
        sheet.get_by_label("Reason").fill(reason)
    sheet.get_by_role("button", name=name, exact=True).click()
    expect(sheet).to_have_count(0)


def uploaded(plant: Plant) -> None:
    """Trust the offline key, and upload the image with what is said of it."""
    page = plant.ada
    page.goto(f"{plant.demo.url}/firmware")
    page.get_by_role("button", name="Add a key").click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Whose it is").fill("Release desk")
    sheet.get_by_label("Public key").fill((plant.folder / "release.pub").read_text().strip())
    sheet.get_by_role("button", name="Trust it").click()
    expect(sheet).to_have_count(0)
    page.get_by_role("button", name="New release").click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Choose a file").last.set_input_files(plant.folder / "gj-os-1.1.0.bin")
    expect(sheet).to_contain_text("arrived whole")
    sheet.get_by_label("Product").fill("gj-os")
    sheet.get_by_label("Version", exact=True).fill(SECOND)
    sheet.get_by_label("Security version").fill("1")
    sheet.get_by_label("Hardware").fill(f"{MODEL} {REVISION}")
    sheet.get_by_label("Devices may go back").check()
    sheet.get_by_role("button", name="Make a draft").click()
    expect(page.get_by_role("dialog")).to_contain_text("Hand in the signature")


def signed(plant: Plant) -> None:
    """Download the manifest, sign it with the command that the page names, and hand in what it prints."""
    sheet = plant.ada.get_by_role("dialog")
    with plant.ada.expect_download() as download:
        sheet.get_by_role("button", name="Download the manifest").click()
    name = download.value.suggested_filename
    download.value.save_as(plant.folder / name)
    shown = sheet.locator("output").inner_text()
    assert shown.startswith("pdm-app firmware sign "), shown
    words = [*shown.split()[1:], "--passphrase-file", "words"]
    done = subprocess.run(
        [sys.executable, "-m", "pdm_app", *words], cwd=plant.folder, check=False, capture_output=True, text=True,
        timeout=120, env=command_environment(),
    )  # fmt: skip
    assert done.returncode == 0, f"{words}: {done.stderr}"
    sheet.get_by_label("Signature", exact=True).fill(done.stdout.split()[-1])
    sheet.get_by_role("button", name="Hand in the signature").click()
    expect(sheet).to_contain_text("Somebody else who may approve firmware has to look at it now.")
    expect(sheet.get_by_role("button", name="Approve")).to_have_count(0)


def approved_and_published(plant: Plant) -> None:
    plant.max.goto(f"{plant.demo.url}/firmware")
    plant.max.get_by_role("button", name=f"gj-os {SECOND}").click()
    sheet = plant.max.get_by_role("dialog")
    sheet.get_by_role("button", name="Approve").click()
    expect(sheet.get_by_role("button", name="Approve")).to_have_count(0)
    plant.ada.reload()
    plant.ada.get_by_role("button", name=f"gj-os {SECOND}").click()
    sheet = plant.ada.get_by_role("dialog")
    sheet.get_by_role("button", name="Publish").click()
    expect(sheet.get_by_role("listitem").filter(has_text="Published")).to_have_attribute("data-done", "true")


def drafted(plant: Plant) -> None:
    """Make a campaign of one gateway first and then the rest, and read what it would do."""
    page = plant.ada
    page.goto(f"{plant.demo.url}/firmware/campaigns")
    page.get_by_role("button", name="New campaign").click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Name", exact=True).fill("Radio repaired")
    sheet.get_by_label("Release", exact=True).select_option(label=f"gj-os {SECOND}")
    sheet.get_by_label("Group", exact=True).select_option(label="Gateways GJ, 4 devices")
    sheet.get_by_label("Size", exact=True).first.fill("1")
    sheet.get_by_role("button", name="Remove Quarter").click()
    sheet.get_by_label("Well for, minutes").fill("0")
    sheet.get_by_role("button", name="Keep the draft and simulate").click()
    page.wait_for_url(re.compile(r"/firmware/campaign/[\w-]+$"))
    plan = page.locator(".campaign")
    expect(plan).to_contain_text("4 devices would get the release, 0 would be left out.")
    expect(plan.locator(".campaign-timeline li")).to_have_count(2)
    expect(plan.locator(".campaign-timeline li").first).to_contain_text("Canary")
    expect(plan.locator(".campaign-timeline li").first).to_contain_text("1 device")
    expect(plan.get_by_role("button", name="Approve")).to_have_count(0)


def approved(plant: Plant, url: str) -> None:
    plant.max.goto(url)
    step(plant.max, "Approve", "Looked at with the line.")
    expect(chip(plant.max)).to_have_text("Approved")


def test_an_admin_brings_a_release_to_devices_in_phases_pauses_resumes_and_takes_it_back(plant: Plant) -> None:
    uploaded(plant)
    signed(plant)
    approved_and_published(plant)
    drafted(plant)
    page, url = plant.ada, plant.ada.url
    approved(plant, url)
    page.reload()
    plant.hold(wanted=True)
    step(page, "Start")
    phases = page.locator(".campaign-phases > li")
    expect(phases.first).to_contain_text("gj-1: Pending", timeout=PROVEN_MS)
    expect(chip(page)).to_have_text("In progress")
    step(page, "Pause", "The line is busy.")
    expect(chip(page)).to_have_text("Paused")
    expect(page.locator(".campaign-why")).to_have_text("The line is busy.")

    plant.hold(wanted=False)
    expect(phases.first).to_contain_text("1 of 1 succeeded", timeout=PROVEN_MS)
    assert sorted(gateway.version for gateway in plant.gateways.values()) == [FIRST, FIRST, FIRST, SECOND]
    expect(phases.last).to_contain_text("not yet")
    step(page, "Resume")
    expect(chip(page)).to_have_text("Finished", timeout=PROVEN_MS)
    expect(phases.last).to_contain_text("3 of 3 succeeded")
    assert plant.runs() == {SECOND}
    page.get_by_role("row").filter(has_text="gj-2").get_by_role("button").click()
    story = page.get_by_role("dialog")
    expect(story).to_contain_text(f"It runs {SECOND} and was well for 0 s.")
    page.keyboard.press("Escape")

    step(page, "Roll back", "The radio is worse.")
    page.wait_for_url(lambda now: "/firmware/campaign/" in now and now != url)
    expect(page.locator(".campaign")).to_contain_text("4 devices would get the release")
    approved(plant, page.url)
    page.reload()
    step(page, "Start")
    expect(chip(page)).to_have_text("Finished", timeout=PROVEN_MS)
    assert plant.runs() == {FIRST}
    told_on_the_page_of_a_device(plant)


def told_on_the_page_of_a_device(plant: Plant) -> None:
    """Read on a gateway's own page what it runs, what it may go back to, and all that happened to it."""
    page = plant.ada
    page.get_by_role("row").filter(has_text="gj-3").get_by_role("button").click()
    page.get_by_role("dialog").get_by_role("link", name="Open the device").click()
    firmware = page.locator(".card").filter(has=page.get_by_role("heading", name="Firmware", exact=True))
    expect(firmware).to_contain_text(f"gj-os {FIRST}")
    expect(firmware).to_contain_text(f"before it: gj-os {SECOND}")
    expect(firmware).to_contain_text("As it is")
    story = page.locator(".card").filter(has=page.get_by_role("heading", name="Story", exact=True))
    expect(story.get_by_role("listitem").first).to_contain_text(f"It runs {FIRST} and was well for 0 s.")
    story.get_by_role("button", name="Alarm").click()
    expect(story).to_contain_text("Nothing has happened yet")
