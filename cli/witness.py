"""``cellbook witness``: cosigns the checkpoints of logs, each of one history only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.output import Example, flush, json_option, print_result
from cli.signing import load_signer, passphrase_option
from keys.errors import declare

if TYPE_CHECKING:
    from ledger.wire.verifier import Verifier

POLICY = declare(
    "usage.witness.policy",
    "The file with the witness's logs cannot be used, or names no log.",
    "Write a line `log VKEY` for each log, and `quorum none`; or give --log VKEY.",
)


@click.command(
    epilog=Example(
        "cellbook keygen witness.pem --save-passphrase",
        "cellbook witness --key witness.pem --name witness.example.org --print-vkey",
        "cellbook witness --key witness.pem --name witness.example.org --state witness "
        "--policy logs.policy --port 8418",
    )
)
@click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path),
    required=True,
    help="The witness's key file: Ed25519 or ML-DSA-44, for nothing else.",
)
@passphrase_option
@click.option("--name", required=True, help="The witness's name: a URL without scheme.")
@click.option("--state", type=click.Path(path_type=Path), help="Folder of what it has cosigned.")
@click.option(
    "--policy",
    type=click.Path(path_type=Path),
    help="File with the logs that it knows, as lines `log VKEY` of a C2SP tlog-policy.",
)
@click.option("--log", "logs", multiple=True, metavar="VKEY", help="A log that it knows.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8418,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option("--print-vkey", is_flag=True, help="Print the verifier key for others, and end.")
@json_option
def witness(
    key_file: Path,
    passphrase_file: Path | None,
    name: str,
    state: Path | None,
    policy: Path | None,
    logs: tuple[str, ...],
    host: str,
    port: int,
    print_vkey: bool,
    as_json: bool,
) -> None:
    """Cosign checkpoints of the logs that are named, until SIGTERM or an interrupt.

    A log sends its checkpoints with consistency proofs (C2SP tlog-witness). Key and state folder
    belong together: what was cosigned is in the folder, and without it the key is worth nothing.
    """
    from ledger.monitor.witnessing.state import WitnessState
    from ledger.monitor.witnessing.witness import Witness, witness_verifier

    signer = load_signer(key_file, passphrase_file)
    verifier = witness_verifier(name, signer)
    if print_vkey:
        print_result(verifier.vkey, {"vkey": verifier.vkey}, as_json=as_json)
        return
    if state is None:
        raise click.UsageError("Name the folder with --state.")
    known = _logs(policy, logs)
    serving = Witness(name, signer, known, WitnessState(state, verifier))
    from api.witnessing import serve_witness

    def announce(url: str) -> None:
        text = f"{name} cosigns at {url}\nvkey  {verifier.vkey}"
        print_result(text, {"url": url, "vkey": verifier.vkey}, as_json=as_json)
        # Whoever started us waits for this line.
        flush()

    serve_witness(serving, host, port, announce)


def _logs(policy: Path | None, vkeys: tuple[str, ...]) -> list[Verifier]:
    from ledger.wire.tlog_policy import KEY, LOG_TYPES, MAX_POLICY, parse_tlog_policy
    from ledger.wire.verifier import Verifier

    found = [Verifier.parse(vkey) for vkey in vkeys]
    for log in found:
        if log.type not in LOG_TYPES:
            raise KEY.at("--log", f"{log.name}: signature type {log.type:02x}")
    if policy is not None:
        try:
            with policy.open("rb") as file:
                data = file.read(MAX_POLICY + 1)
        except OSError as error:
            raise POLICY.at(str(policy), error.strerror or "") from None
        found += [log.verifier for log in parse_tlog_policy(data).logs]
    if not found:
        raise POLICY.at(str(policy or "--log"), "no log")
    return list(dict.fromkeys(found))
