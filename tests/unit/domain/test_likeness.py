"""Which pictures look the same."""

from __future__ import annotations

import random

from kohya_wrap.domain.likeness import NEAR, SAVED_ANEW, Print, groups, pairs

GREY = bytes([120] * 192)
RED = bytes([220, 40, 40] * 64)


def off(dhash: int, bits: int) -> int:
    """The hash with as many bits changed, every ninth."""
    return dhash ^ sum(1 << (9 * place) for place in range(bits))


def test_copies_and_near_copies_are_one_group() -> None:
    one = 0x0123456789ABCDEF
    hashes = {"a": one, "b": one, "c": off(one, NEAR), "d": off(one, NEAR + 1), "e": ~one & (2**64 - 1)}
    assert groups({name: Print(dhash, GREY) for name, dhash in hashes.items()}) == [("a", "b", "c", "d")]
    del hashes["c"]  # d is near to c alone
    assert groups({name: Print(dhash, GREY) for name, dhash in hashes.items()}) == [("a", "b")]


def test_the_same_shape_in_other_colours_is_another_picture() -> None:
    assert groups({"grey": Print(5, GREY), "red": Print(5, RED)}) == []
    assert groups({"grey": Print(5, GREY), "red": Print(5, RED), "red too": Print(5, RED)}) == [
        ("red", "red too")
    ]


def test_no_near_pair_is_overlooked() -> None:
    draw = random.Random(1)
    centres = [draw.getrandbits(64) for _ in range(60)]
    prints = {
        f"{number}": Print(
            off(draw.choice(centres), 0) ^ sum(1 << draw.randrange(64) for _ in range(3)), GREY
        )
        for number in range(200)
    }
    near = {(a, b) for a in prints for b in prints if a != b and prints[a].is_near(prints[b])}
    assert near == set(pairs(prints, prints))
    grouped = {(a, b) for group in groups(prints) for a in group for b in group if a != b}
    assert near and near <= grouped


def test_a_mirror_image_is_found_and_a_symmetric_picture_is_not_its_own() -> None:
    prints = {"left": Print(0b1111, GREY), "right": Print(0xF0F0F0F0, GREY), "even": Print(2**40, GREY)}
    turned = {"left": Print(0xF0F0F0F0, GREY), "right": Print(0b1111, GREY), "even": Print(2**40, GREY)}
    found = set(pairs(prints, turned))
    assert ("left", "right") in found and ("even", "even") not in found


def test_how_far_apart_near_is() -> None:
    one = Print(0x0123456789ABCDEF, GREY)
    assert one.is_near(Print(off(one.dhash, NEAR), GREY))
    assert not one.is_near(Print(off(one.dhash, NEAR + 1), GREY))
    assert one.is_near(Print(one.dhash, bytes([132] * 192)))
    assert not one.is_near(Print(one.dhash, bytes([133] * 192)))


def test_what_differs_in_one_place_is_another_picture() -> None:
    one, elsewhere = Print(5, GREY), bytes([120] * 96 + [126] + [120] * 95)
    assert (one.apart(Print(5, elsewhere)), one.apart(Print(5, bytes([125] * 192)))) == (6, 5)
    assert one.is_near(Print(5, elsewhere)) and SAVED_ANEW < 6
