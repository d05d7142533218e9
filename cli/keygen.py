"""``cellbook keygen``: an encrypted key file for whoever signs."""

from __future__ import annotations

from pathlib import Path

import click

from cli.output import Example, json_option, print_result
from cli.signing import passphrase_beside, read_passphrase
from keys import algorithms, keyfile
from keys.cose_key import CoseKey
from keys.signer import generate
from ledger.wire.base64text import encode_base64
from ledger.wire.verifier import COSIGNATURE, Verifier, check_name

ALGORITHMS = {
    "ed25519": algorithms.ED25519,
    "esp256": algorithms.ESP256,
    "ml-dsa-44": algorithms.ML_DSA_44,
    "ml-dsa-65": algorithms.ML_DSA_65,
}


@click.command(
    epilog=Example(
        "cellbook keygen maker.pem",
        "cellbook keygen maker.pem --save-passphrase",
        "cellbook keygen maker.pem --alg ml-dsa-65 --passphrase-file secret.txt",
        "cellbook keygen auditor.pem --cosigner audits.example.net",
    )
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--alg",
    type=click.Choice(list(ALGORITHMS)),
    default="ed25519",
    show_default=True,
    help="Signature algorithm. ML-DSA resists quantum computers; its signatures are large.",
)
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path),
    help="Encrypt with the passphrase in this file. Without it a new one is made.",
)
@click.option(
    "--save-passphrase",
    is_flag=True,
    help="Keep the new passphrase in FILE.passphrase, where commands find it, and do not print it.",
)
@click.option(
    "--cosigner",
    metavar="NAME",
    help="For a witness or an auditor: print its vkey under this name as well, for policies and "
    "trust files.",
)
@json_option
def keygen(
    file: Path,
    alg: str,
    passphrase_file: Path | None,
    save_passphrase: bool,
    cosigner: str | None,
    as_json: bool,
) -> None:
    """Make a key and write it, encrypted, to FILE.

    A new passphrase of 140 bits is printed once: keep it away from the file. A passphrase is never
    taken from the command line, where other users of the machine can read it.
    """
    if passphrase_file is not None and save_passphrase:
        raise click.UsageError("--save-passphrase is for a new passphrase, not for a given one.")
    if cosigner is not None:
        _check_cosigner(cosigner, alg)
    given = None if passphrase_file is None else read_passphrase(passphrase_file)
    new = keyfile.new_passphrase() if given is None else None
    signer = generate(ALGORITHMS[alg])
    keyfile.save(file, signer, given or new or "")
    if save_passphrase and new is not None:
        _save_passphrase(file, new)
        new = None
    facts = {"file": str(file), "alg": alg, **key_facts(signer.key)}
    if cosigner is not None:
        facts["vkey"] = Verifier.from_key(cosigner, signer.key, COSIGNATURE).vkey
    if new is not None:
        facts["passphrase"] = new
    print_result(_text(facts, file, save_passphrase), facts, as_json=as_json)


def _check_cosigner(name: str, alg: str) -> None:
    if alg != "ed25519":
        raise click.UsageError("--cosigner is for ed25519: policies name no other cosigners.")
    check_name(name)


def key_facts(key: CoseKey) -> dict[str, str]:
    """How a public key is shown: its kid in hex and its COSE_Key in base64."""
    return {"kid": key.kid.hex(), "public_key": encode_base64(key.to_cbor())}


def _save_passphrase(file: Path, passphrase: str) -> None:
    try:
        keyfile.write_private(passphrase_beside(file), passphrase.encode() + b"\n")
    except BaseException:
        # Nobody has seen the passphrase: the key could never be used.
        file.unlink()
        raise


def _text(facts: dict[str, str], file: Path, saved: bool) -> str:
    lines = [
        f"key file    {file} ({facts['alg']}, encrypted, mode 0600)",
        f"kid         {facts['kid']}",
        f"public key  {facts['public_key']}",
    ]
    if "vkey" in facts:
        lines.append(f"vkey        {facts['vkey']}")
    if "passphrase" in facts:
        lines += [
            f"passphrase  {facts['passphrase']}",
            "",
            "The passphrase is shown this once. Write it down and keep it apart from the file:",
            "without it the key is lost, with both anybody can sign in your name.",
        ]
    elif saved:
        lines += [
            f"passphrase  {passphrase_beside(file)}",
            "",
            "Whoever has both files can sign in your name. Keep a copy of both elsewhere.",
        ]
    return "\n".join(lines)
