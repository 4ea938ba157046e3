"""`medddim listen`, `fetch` and `send`: a DICOM node, and one study by DICOMweb."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import click

from medddim.cli import batches
from medddim.cli.bids import OF_ENHANCE, with_options
from medddim.cli.choices import Existing
from medddim.cli.enhance import enhance, job_of
from medddim.cli.examples import examples

GIGABYTE = 10**9
TO = "TITLE@HOST:PORT for C-STORE, or the URL of a DICOMweb service for STOW-RS."


@with_options(enhance, (*OF_ENHANCE, "select"))
@click.command(
    epilog=examples(
        "listen --queue queue/ --to ARCHIVE@10.0.0.5:104 --allow SCANNER --host 0.0.0.0",
    )
)
@click.option("--queue", required=True, type=click.Path(file_okay=False, path_type=Path),
              help="Folder for what was received and not yet sent; it holds patients.")  # fmt: skip
@click.option("--to", required=True, metavar="WHERE", help=TO)
@click.option("--title", default="MEDDDIM", show_default=True, help="Our AE title.")
@click.option("--host", default="127.0.0.1", show_default=True,
              help="Address to listen on; any but a loopback one needs --allow.")  # fmt: skip
@click.option("--port", default=11112, show_default=True, type=click.IntRange(0, 65535),
              help="Port to listen on.")  # fmt: skip
@click.option("--allow", multiple=True, metavar="TITLE", help="An AE title that may call; repeat.")
@click.option("--stable", "stable_s", default=60.0, show_default=True,
              type=click.FloatRange(min=0), help="Seconds without a new image until a study is "
              "taken for complete.")  # fmt: skip
@click.option("--max-object", default=1.0, show_default=True, type=click.FloatRange(min=0.001),
              help="Gigabytes one object may have.")  # fmt: skip
@click.option("--max-queue", default=50.0, show_default=True, type=click.FloatRange(min=0.001),
              help="Gigabytes the queue may hold; beyond, objects are refused.")  # fmt: skip
@click.option("--associations", default=20, show_default=True, type=click.IntRange(1, 1000),
              help="Peers that may send at once.")  # fmt: skip
@batches.seed_option
def listen(queue: Path, to: str, **options: Any) -> None:
    """Receive studies by C-STORE, enhance them, send the derived series on.

    A study is taken up when nothing of it has come for a while. What was received and not yet sent
    is done after a restart; nothing is sent twice. Ends on Ctrl-C.
    """
    from medddim.integrations.pacs.node import Listener, settings_of
    from medddim.integrations.pacs.queue import Queue
    from medddim.integrations.pacs.receiver import Doors
    from medddim.integrations.pacs.sender import destination_of

    logging.getLogger("medddim.integrations.pacs").setLevel(logging.INFO)
    doors = Doors(
        options.pop("title"), options.pop("host"), options.pop("port"), options.pop("allow"),
        int(options.pop("max_object") * GIGABYTE), options.pop("associations"),
    )  # fmt: skip
    kept = Queue(queue, int(options.pop("max_queue") * GIGABYTE))
    select, stable_s = options.pop("select"), options.pop("stable_s")
    destination = destination_of(to)
    options |= {"steps": options["steps"] or 1, "samples": None, "residual": False}
    job = job_of(**options)
    settings = settings_of(options)
    Listener(kept, doors, destination, job, settings, select, stable_s).serve()


@click.command(
    epilog=examples(
        "fetch http://archive/dicom-web 1.2.840.1 -o study/",
    )
)
@click.argument("url")
@click.argument("study")
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path),
              help="Folder for the images.")  # fmt: skip
def fetch(url: str, study: str, output: Path) -> None:
    """Get the images of the STUDY with this UID from the DICOMweb service at URL.

    Credentials come from the environment: MEDDDIM_DICOMWEB_TOKEN, or MEDDDIM_DICOMWEB_USER and
    MEDDDIM_DICOMWEB_PASSWORD.
    """
    from medddim.integrations.pacs.sender import Web, destination_of

    where = destination_of(url)
    if not isinstance(where, Web):
        raise click.BadParameter("expected an http or https URL", param_hint="URL")
    click.echo(f"{len(where.fetch(study, output))} images in {output}")


@click.command(
    epilog=examples(
        "send better/ --to ARCHIVE@10.0.0.5:104",
        "send better/ --to http://archive/dicom-web",
    )
)
@click.argument("paths", nargs=-1, required=True, type=Existing())
@click.option("--to", required=True, metavar="WHERE", help=TO)
@click.option("--title", default="MEDDDIM", show_default=True, help="Our AE title.")
def send(paths: tuple[Path, ...], to: str, title: str) -> None:
    """Send the DICOM files at or below PATHS to a node or a DICOMweb service.

    Credentials as for `fetch`.
    """
    from medddim.errors import UnreadableScan
    from medddim.integrations.pacs.sender import destination_of, images_below

    where = destination_of(to)
    files = images_below(paths)
    if not files:
        raise UnreadableScan(f"no DICOM file (*.dcm) in {', '.join(map(str, paths))}")
    sent: list[Path] = []
    where.send(files, calling=title, taken=sent.append)
    click.echo(f"{len(sent)} images sent to {where}")
