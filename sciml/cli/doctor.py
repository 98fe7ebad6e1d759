"""sciml doctor"""

from __future__ import annotations

import shutil

import click

from .common import json_option, print_json, print_table


@click.command("doctor")
@json_option
def command(as_json: bool) -> None:
    """Versions, devices and precision modes of this installation, and what is missing."""
    import numpy as np
    import torch

    from .. import registry
    from ..kernels.native.compile import KERNELS, notice
    from ..provenance import precision, processor, versions

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    cuda = [torch.cuda.get_device_name(i) for i in range(count)]
    missing = [f"{why}" for name in KERNELS if (why := notice(name))]
    if not cuda:
        missing.append("no CUDA device: everything runs on the CPU")
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        missing.append("no C compiler: torch.compile will not work")
    if np.finfo(np.longdouble).eps > 1e-18:
        missing.append("numpy's longdouble is double here: etdrk4 precision=extended gains nothing")
    missing += [f"plugin {p.name} is broken: {p.problem}" for p in registry.plugins() if p.status == "broken"]
    if as_json:
        print_json({
            "versions": versions(), "processor": processor(), "cuda": cuda, "precision": precision(),
            "longdouble_eps": float(np.finfo(np.longdouble).eps), "missing": missing,
        })  # fmt: skip
        return
    rows = [*versions().items(), ("processor", processor()), ("CUDA devices", ", ".join(cuda) or "none")]
    rows += [(key.replace("_", " "), str(value)) for key, value in precision().items()]
    print_table(("what", "here"), [(k, str(v)) for k, v in rows])
    for text in missing:
        click.echo(f"note: {text}")
