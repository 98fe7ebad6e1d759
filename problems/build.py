"""Rebuild problem files and their references: `python problems/build.py [NAME …]` (all without a name)."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import boundary_value
import dynamics
import ensembles
import finite_volume
import high_dimensional
import systems
import transport
from definitions import ALL

from sciml import family
from sciml.files import problem_file
from sciml.reference import transport as reference_transport
from sciml.reference.builder import build_reference, combine, exact_reference
from sciml.transport import file as transport_file

EXACT = {
    "taylor-green": {"w": "2*cos(x)*cos(y)*exp(-2*nu*t)"},
    **{name: {"u": formula} for name, formula in boundary_value.EXACT.items()},
    **systems.EXACT,
    **{name: {"u": formula} for name, formula in high_dimensional.EXACT.items()},
    **finite_volume.EXACT,
}


FAMILIES = {**ensembles.FAMILIES, **dynamics.FAMILIES}


def main(names: list[str]) -> None:
    for name in names or [*ALL, *FAMILIES, *transport.LIST]:
        if name in transport.LIST:
            build_transport(name)
            continue
        if name in FAMILIES:  # their data are made by `sciml data`
            family.write(Path(__file__).parent / f"{name}.h5", FAMILIES[name]())
            continue
        start, problem = time.monotonic(), ALL[name]()
        if name in finite_volume.COMPUTED:
            values, method = finite_volume.COMPUTED[name]
            reference = combine(values(problem), {}, method)
        else:
            reference = exact_reference(problem, EXACT[name]) if name in EXACT else build_reference(problem, print)
        path = Path(__file__).parent / f"{name}.h5"
        problem_file.write(path, problem, reference)
        error = max(reference.error.values())
        size, seconds = path.stat().st_size / 1e6, time.monotonic() - start
        print(f"{name}: reference error {error:.1e} {dict(reference.checks)}, {size:.2f} MB, {seconds:.0f} s")


def build_transport(name: str) -> None:
    start, problem, path = time.monotonic(), transport.LIST[name](), Path(__file__).parent / f"{name}.h5"
    reference = reference_transport.build_reference(problem, print)
    transport_file.write(path, problem, reference)
    size, seconds = path.stat().st_size / 1e6, time.monotonic() - start
    print(f"{name}: {reference}, {size:.2f} MB, {seconds:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
