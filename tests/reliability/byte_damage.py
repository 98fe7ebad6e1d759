"""Damage that knows nothing of formats: bytes changed, cut, moved, taken from another file."""

from __future__ import annotations

import random

NUMBERS = (0, 1, 2**31 - 1, 2**32 - 1, 2**32, 2**40, 2**63 - 1, 2**64 - 1)


def damaged(rng: random.Random, whole: bytes, other: bytes) -> bytes:
    """One to three kinds of damage."""
    data = bytearray(whole)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if not data:
            break
        at, width = rng.randrange(len(data)), rng.choice((1, 2, 4, 8, 64, 512))
        match rng.randrange(9):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1 | 2:
                for _ in range(rng.choice((1, 3, 20, 200))):
                    data[rng.randrange(len(data))] = rng.randrange(256)
            case 3:
                data[at : at + 8] = rng.choice(NUMBERS).to_bytes(8, "little")[: len(data) - at]
            case 4:
                data[at : at + width] = bytes([rng.choice((0, 255))]) * len(data[at : at + width])
            case 5:
                del data[at:]
            case 6:
                del data[at : at + width]
            case 7:
                start = rng.randrange(max(len(other), 1))
                data[at : at + width] = other[start : start + width]
            case 8:
                start = rng.randrange(len(data))
                data[at : at + width] = data[start : start + width]
    return bytes(data)
