"""``cellbook serve``: the service of one ledger."""

from __future__ import annotations

from pathlib import Path

import click

from cli.output import Example, flush, json_option, print_result


@click.command(
    epilog=Example(
        "cellbook serve shop",
        "cellbook serve shop --host 0.0.0.0 --port 8417 --workers 2",
    )
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--host", help="Address to listen on. [default: from FOLDER/cellbook.toml]")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes a free one. [default: from FOLDER/cellbook.toml]",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes; all write the same log.",
)
@json_option
def serve(folder: Path, host: str | None, port: int | None, workers: int, as_json: bool) -> None:
    """Run the service of the ledger in FOLDER until SIGTERM or an interrupt.

    Prints the service's address once it can be reached. Refuses to start while a root key lies in
    FOLDER: whoever breaks into the service would find it.
    """
    from api.serving import serve as run
    from ledger.log.home import Home

    def announce(url: str) -> None:
        print_result(f"{folder} is served at {url}", {"url": url}, as_json=as_json)
        # Whoever started us waits for this line.
        flush()

    config = Home.open(folder).config
    run(
        folder,
        config.listen_host if host is None else host,
        config.listen_port if port is None else port,
        workers,
        announce,
    )
