"""A keyed one-to-one mapping of the numbers below a bound: no two identities ever get the same token.

A Feistel network with HMAC-SHA-256 as its round function; numbers that leave the bound are walked on until they are
inside again (Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002).
"""

from __future__ import annotations

import hmac

_ROUNDS = 10


def permute(key: bytes, tweak: bytes, number: int, size: int) -> int:
    """Map a number of 0 … `size` - 1 to another one of these; each `tweak` has a mapping of its own.

    Raises ValueError for a number that is outside.

    >>> sorted(permute(b"k", b"t", number, 10) for number in range(10)) == list(range(10))
    True
    """
    if not 0 <= number < size:
        raise ValueError(f"{number} is not below {size}")
    if size < 2:
        return number
    bits = max(2, (size - 1).bit_length())
    while True:
        number = _feistel(key, tweak, number, bits)
        if number < size:
            return number


def _feistel(key: bytes, tweak: bytes, number: int, bits: int) -> int:
    upper, lower = bits // 2, bits - bits // 2
    left, right = number >> lower, number & ((1 << lower) - 1)
    for step in range(_ROUNDS):
        if step % 2 == 0:
            left ^= _mix(key, tweak, step, right, upper)
        else:
            right ^= _mix(key, tweak, step, left, lower)
    return left << lower | right


def _mix(key: bytes, tweak: bytes, step: int, half: int, bits: int) -> int:
    """Draw `bits` bits that hang on the key and one half."""
    body = half.to_bytes((half.bit_length() + 7) // 8 or 1, "big")
    drawn = b""
    while len(drawn) * 8 < bits:
        head = b"%d:%d:%d:%b:" % (step, bits, len(drawn), tweak)
        drawn += hmac.digest(key, head + body, "sha256")
    return int.from_bytes(drawn, "big") >> (len(drawn) * 8 - bits)
