"""Where the story is played: a ledger with its service, and operators with keys, in one folder.

What a step does is what operators do by hand: fields from a JSON file, signed with the operator's
own key, submitted by HTTP, the receipt kept.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from cli.drafts import draft_event, resolve_battery, sign_draft
from cli.event_values import read_fields
from cli.remote import Registered, Remote
from cli.request import make_request, parse_request, verify_request
from cli.saving import save
from cli.signing import load_signer
from cli.story.cast import PAPERS, Actor, Check, Paper, PublicList, Ref, Step
from cli.story.service import Service, run_cellbook
from keys import keyfile
from keys.errors import declare
from keys.signer import generate
from ledger.custody.governance.statements import encode_governance
from ledger.custody.profiles import Profiles, choose
from ledger.log.home import REGISTRAR_URI, Home
from ledger.proof.trust import load_trust
from ledger.wire.statement import TYP_GOVERNANCE, Statement, parse_statement, sign_statement

COMMAND = declare(
    "unavailable.demo.command",
    "A command of the demo did not succeed.",
    "Read what it said, and report it with the folder of the demo.",
)

PUBLISHER_URI = "urn:cellbook:authority:publisher"
FOLDERS = ("events", "operators", "papers", "publisher", "receipts", "statements")


class Stage:
    """Everything that the story needs, in ``folder``, which must be new or empty."""

    def __init__(self, folder: Path, profiles: Iterable[str] = ()) -> None:
        """Found the ledger, which decides by core and ``profiles``, and start its service.

        Raises ``usage.*`` and ``unavailable.*``."""
        self.folder = folder
        for name in FOLDERS:
            (folder / name).mkdir(parents=True)
        self._entries: dict[str, str] = {}
        self._number = 0
        self.ledger, self.trust = folder / "ledger", folder / "trust.toml"
        self._found(choose(profiles))
        self._service = Service(self.ledger, folder / "service.log")
        self.remote = Remote(self._service.url)

    def close(self) -> None:
        """Stop the service. The ledger stays."""
        self.remote.close()
        self._service.stop()

    def enrol(self, actor: Actor) -> Registered:
        """Make the operator's key and have the registrar register it, by HTTP."""
        home = self.folder / "operators" / actor.key
        home.mkdir()
        passphrase = keyfile.new_passphrase()
        signer = generate()
        keyfile.save(self.key_of(actor), signer, passphrase)
        keyfile.write_private(home / "passphrase", passphrase.encode() + b"\n")
        request = make_request(
            signer, actor.uri, self.family, name=actor.name, country="CN", roles=actor.roles
        )
        save(home / "registration.request", request)
        return self._submit(f"register-{actor.key}", self._registration(actor, request))

    def play(self, step: Step) -> Registered:
        """Sign and submit the event of ``step``. Raises what the ledger refuses it with."""
        signed = self._signed(step)
        self._entries[step.name] = signed.locator
        return self._submit(step.name, signed)

    def name_publisher(self) -> None:
        """Make a publisher's key, and have the root name it in the next policy."""
        home = self.folder / "publisher"
        self._run("keygen", home / "key.pem", "--save-passphrase")
        self._run("operator", "request", "--key", home / "key.pem", "--uri", PUBLISHER_URI,
                  "--trust", self.trust, "--out", home / "publisher.request")  # fmt: skip
        self._run("policy", "publish", "--home", self.ledger, "--yes",
                  "--root", self.folder / "root" / "root.pem",
                  "--add", "publisher", home / "publisher.request")  # fmt: skip

    def state(self, stated: PublicList, number: int) -> str:
        """The publisher states a list; the locator of his statement."""
        home = self.folder / "publisher"
        table = home / f"{number}-{stated.scheme}.csv"
        save(table, stated.table.encode())
        done = self._run("list", "import", table, "--scheme", stated.scheme,
                         "--announcement", stated.announcement, "--effective", stated.effective,
                         "--key", home / "key.pem", "--trust", self.trust, "--yes",
                         "--url", self.remote.url)  # fmt: skip
        return done.rpartition("entry id")[2].strip()

    def export(self, check: Check) -> int:
        """Write the file of ``check`` as the service gives it out; how many bytes it has."""
        file = self.folder / check.file
        if check.day is None:
            save(file, self.remote.dossier(self.remote.find(check.of)))
        else:
            self._run("list", "prove", check.of, "--scheme", check.scheme, "--at", check.day,
                      "--url", self.remote.url, "--out", file)  # fmt: skip
        return file.stat().st_size

    def key_of(self, actor: Actor) -> Path:
        """The operator's key file."""
        return self.folder / "operators" / actor.key / "key.pem"

    def event_file(self, step: Step) -> Path:
        """The JSON file with the fields of a step."""
        return self.folder / "events" / f"{step.name}.json"

    def _found(self, profiles: Profiles) -> None:
        home = Home.create(
            self.ledger,
            # The digits keep two demos apart: one's trust file says nothing of the other.
            origin=f"cellbook.internal/demo-{os.urandom(4).hex()}",
            name="Demo Battery Ledger",
            root_dir=self.folder / "root",
            registrar_dir=self.folder / "registrar",
            profiles=profiles,
        )
        save(self.trust, home.trust_bytes())
        self.family = load_trust(home.trust_bytes()).family
        self._registrar = load_signer(self.folder / "registrar" / "registrar.pem", None)
        for name, text in PAPERS.items():
            save(self.folder / "papers" / name, text.encode())

    def _run(self, *words: object) -> str:
        """What a person would have typed. Raises ``unavailable.demo.command``."""
        code, text = run_cellbook([str(word) for word in words])
        if code != 0:
            raise COMMAND.at(f"cellbook {words[0]}", text.strip()[-500:])
        return text

    def _registration(self, actor: Actor, request: bytes) -> Statement:
        """What the registrar signs after he has checked the request, and whose codes are whose."""
        asked = parse_request(request)
        verify_request(asked, self.family)
        content = replace(asked.registration(), maker_codes=actor.maker_codes)
        leaf = sign_statement(
            self._registrar,
            typ=TYP_GOVERNANCE,
            iss=REGISTRAR_URI,
            sub=asked.uri,
            aud=self.family,
            iat=int(time.time()),
            payload=encode_governance(content),
        )
        return parse_statement(leaf)

    def _signed(self, step: Step) -> Statement:
        says = {
            "occurred_at": step.at,
            "time_precision": "minute",
            "country": "CN",
            **self._resolved(dict(step.says)),
        }
        data = json.dumps(says, ensure_ascii=False, indent=2).encode() + b"\n"
        save(self.event_file(step), data)
        values = read_fields(step.kind, data, str(self.event_file(step)))
        sub = None if step.battery is None else resolve_battery(step.battery)
        signer = load_signer(self.key_of(step.by), None)
        return sign_draft(
            signer,
            draft_event(step.kind, values, sub),
            issuer=step.by.uri,
            aud=self.family,
            iat=int(time.time()),
        )

    def _resolved(self, value: Any) -> Any:
        """``value`` with references and papers as text, as a person would have copied them."""
        if isinstance(value, Ref):
            return self._entries[value.step]
        if isinstance(value, Paper):
            return sha256(PAPERS[value.file].encode()).hexdigest()
        if isinstance(value, dict):
            return {name: self._resolved(item) for name, item in value.items()}
        return [self._resolved(item) for item in value] if isinstance(value, list) else value

    def _submit(self, name: str, signed: Statement) -> Registered:
        self._number += 1
        name = f"{self._number:02}-{name}"
        save(self.folder / "statements" / f"{name}.cose", signed.leaf)
        registered = self.remote.register(signed.leaf)
        save(self.folder / "receipts" / f"{name}.receipt", registered.receipt)
        return registered
