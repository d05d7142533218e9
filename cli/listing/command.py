"""The group ``cellbook list``."""

from __future__ import annotations

import click

from cli.listing.proving import prove, verify
from cli.listing.showing import diff, show
from cli.listing.stating import hand_in, import_
from cli.output import Example

_URL = "--url http://127.0.0.1:8417"
_IMPORT = (
    "cellbook list import list.csv --scheme cn-miit-whitelist --announcement 20/2026 "
    "--effective 2026-07-30 --key publisher.pem --trust trust.toml"
)
_COMMANDS: dict[str, tuple[click.Command, str, tuple[str, ...]]] = {
    "import": (
        import_,
        "Sign the list in a table, and hand it in.",
        (f"{_IMPORT} {_URL}", f"{_IMPORT} --out snapshot.cose"),
    ),
    "hand-in": (
        hand_in,
        "Hand in the rows of a registered snapshot.",
        (f"cellbook list hand-in snapshot.cose.list --scheme cn-miit-whitelist {_URL}",),
    ),
    "show": (
        show,
        "Print schemes, snapshots, or rows.",
        (
            f"cellbook list show {_URL}",
            "cellbook list show cn-miit-whitelist --effective 2026-07-30 --home shop",
        ),
    ),
    "diff": (
        diff,
        "Print what changed between two lists.",
        (
            "cellbook list diff cn-miit-whitelist 2023-01-05 2026-07-30 --home shop",
            "cellbook list diff cn-miit-whitelist 2026-07-30 2026-07-30 --publisher "
            "urn:cellbook:authority:publisher --against https://second.example --home shop",
        ),
    ),
    "prove": (
        prove,
        "Fetch the file that shows who was listed on a day.",
        (
            "cellbook list prove 91440300MA5FKPKM15 --scheme cn-miit-whitelist --at 2026-07-30 "
            f"{_URL} --out listed.participation",
        ),
    ),
    "verify": (
        verify,
        "Check such a file offline.",
        ("cellbook list verify listed.participation --trust trust.toml",),
    ),
}


@click.group("list", epilog=Example(*(lines[0] for _, _, lines in _COMMANDS.values())))
def list_() -> None:
    """Public lists: state them, show them, prove who was on them on a day.

    A list such as the white list of battery recyclers is copied by a publisher whom the ledger's
    policy names, and signed by him. Whose list it is does not sign.
    """


for _name, (_command, _line, _lines) in _COMMANDS.items():
    _command.short_help, _command.epilog = _line, Example(*_lines)
    list_.add_command(_command, _name)
