"""How sure a share is: Wilson's interval (E. B. Wilson, 1927), for the programs that report counts of right answers."""

import math

__all__ = ["wilson_percent"]


def wilson_percent(num_right: int, num: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of num_right of num, in percent. Raises ValueError unless 0 <= num_right <= num and num > 0."""
    if not (num > 0 and 0 <= num_right <= num):
        raise ValueError(f"expected 0 <= num_right <= num and num > 0, got {num_right} of {num}")
    share = num_right / num
    scale = 1 + z * z / num
    middle = (share + z * z / (2 * num)) / scale
    half = z * math.sqrt(share * (1 - share) / num + z * z / (4 * num * num)) / scale
    return 100 * max(0.0, middle - half), 100 * min(1.0, middle + half)
