"""Numbers as people read them."""

STEPS = (("s", 1e9), ("ms", 1e6), ("us", 1e3), ("ns", 1.0))
BINARY = (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1))


def duration(nanoseconds: float) -> str:
    unit, size = next(step for step in STEPS if nanoseconds >= step[1] or step[1] == 1)
    return f"{digits(nanoseconds / size)} {unit}"


def size(nbytes: float) -> str:
    unit, step = next(step for step in BINARY if nbytes >= step[1] or step[1] == 1)
    return f"{digits(nbytes / step)} {unit}"


def digits(value: float) -> str:
    """Three of them."""
    return f"{value:,.0f}".replace(",", " ") if value >= 100 else f"{value:.3g}"


def quantity(value: float, unit: str) -> str:
    match unit:
        case "ns":
            return duration(value)
        case "bytes":
            return size(value)
        case _:
            return f"{digits(value)} {unit}"
