"""Whether two pictures show the same photograph: one is laid over the other and compared point by point.

Hashes find candidates among millions and are wrong now and then; a person should not be told of a match that is none, and a
policy must not decline on one. So each candidate is checked: starting from the windows whose hashes were near, an affine map from
one thumbnail to the other is improved step by step (forward-additive Lucas-Kanade with a gain and an offset of brightness: Baker
and Matthews, "Lucas-Kanade 20 Years On", 2004), and what counts is how the details that overlap correlate: what is left when the
smooth part, which many pictures share, is taken away. The same photograph stays near 1 after a crop, a frame, a recompression;
different ones that hashes took for near lie at 0.5 and below.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenhand.evidence.pdq import THUMBNAIL, WINDOWS

Grey = NDArray[np.uint8]
Real = NDArray[np.float64]

# From this correlation on, two pictures are told to be the same photograph.
LEAST_LIKENESS: Final = 0.8
# Smoothing of the thumbnails, coarse first, and the most steps at each.
_SMOOTHINGS: Final = (3, 1)
_STEPS: Final = 12
_LEAST_STEP: Final = 2e-3
_LEAST_OVERLAP: Final = 0.4
# How much the map may stretch or shrink: beyond this it has run away.
_STRETCH: Final = (0.6, 1.5)
_LEAST_GAIN: Final = 0.2
# What is finer and what is coarser than a detail, as radii of smoothing.
_DETAIL: Final = (1, 5)

_N: Final = THUMBNAIL
_y, _x = np.mgrid[0:_N, 0:_N] / (_N - 1) * 2 - 1
# (3, n): the points of a thumbnail, from -1 to 1, homogeneous
_POINTS: Final[Real] = np.stack([_x.ravel(), _y.ravel(), np.ones(_N * _N)])
# The outermost points are left out: a frame that was put around a picture is smeared into them by smoothing.
_INNER: Final = (np.abs(_POINTS[:2]) <= 0.8).all(axis=0)


def window_map(window: int | None) -> Real:
    """The affine map (2, 3) that takes the points of a whole thumbnail to a window of another; None is the whole."""
    left, top, size = WINDOWS[window] if window is not None else (0.0, 0.0, 1.0)
    return np.array([[size, 0.0, 2 * left + size - 1], [0.0, size, 2 * top + size - 1]])


def likeness(whole: Grey, part: Grey, start: Real) -> float:
    """Correlation, -1 to 1, of the details of `part` with where it lies in `whole`; 0.0 when the map is lost on the way."""
    mapped, one, other = start, whole.astype(np.float64), part.astype(np.float64)
    for radius in _SMOOTHINGS:
        improved = _improved(_smooth(one, radius), _smooth(other, radius).ravel(), mapped)
        if improved is None:
            return 0.0
        mapped = improved
    stretch = np.linalg.svd(mapped[:, :2], compute_uv=False)
    if stretch[0] > _STRETCH[1] or stretch[-1] < _STRETCH[0]:
        return 0.0
    seen, inside = _sampled(one, mapped)
    if inside.mean() < _LEAST_OVERLAP:
        return 0.0
    return _correlation(_details(seen.reshape(_N, _N))[inside], _details(other)[inside])


def _improved(whole: Real, part: Real, mapped: Real) -> Real | None:
    """Gauss-Newton on the six numbers of the map and the two of brightness; None when the two drift apart."""
    down, across = (np.asarray(slope) for slope in np.gradient(whole, 2 / (_N - 1)))
    for _ in range(_STEPS):
        seen, inside = _sampled(whole, mapped)
        if inside.mean() < _LEAST_OVERLAP:
            return None
        slopes = (_sampled(across, mapped)[0] * _POINTS, _sampled(down, mapped)[0] * _POINTS)
        system = np.concatenate([*slopes, seen[None], np.ones_like(seen)[None]])[:, inside]
        normal = system @ system.T
        # a little damping, so that a plain picture leaves the map where it is
        normal += np.eye(8) * (1e-6 * np.trace(normal) / 8 + 1e-9)
        solved = np.linalg.solve(normal, system @ part[inside])
        gain = solved[6]
        if gain < _LEAST_GAIN:
            return mapped
        step = (solved[:6] / gain).reshape(2, 3)
        mapped = mapped + step
        if np.abs(step).max() < _LEAST_STEP:
            break
    return mapped


def _sampled(picture: Real, mapped: Real) -> tuple[Real, NDArray[np.bool_]]:
    """The picture at the mapped points, between pixels, and which of them lie inside it."""
    x, y = (mapped @ _POINTS + 1) * ((_N - 1) / 2)
    inside = _INNER & (x >= 0) & (x <= _N - 1) & (y >= 0) & (y <= _N - 1)
    x, y = np.clip(x, 0, _N - 1.001), np.clip(y, 0, _N - 1.001)
    left, top = x.astype(np.intp), y.astype(np.intp)
    right_share, low_share = x - left, y - top
    flat, at = picture.ravel(), top * _N + left
    high = flat[at] * (1 - right_share) + flat[at + 1] * right_share
    low = flat[at + _N] * (1 - right_share) + flat[at + _N + 1] * right_share
    return high * (1 - low_share) + low * low_share, inside


def _smooth(picture: Real, radius: int) -> Real:
    """A box filter, twice: nearly a Gaussian."""
    width = 2 * radius + 1
    for _ in range(2):
        for axis in (0, 1):
            padded = np.pad(picture, [(radius + 1, radius) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
            sums = padded.cumsum(axis)
            late = sums[width:] if axis == 0 else sums[:, width:]
            early = sums[:-width] if axis == 0 else sums[:, :-width]
            picture = (late - early) / width
    return picture


def _details(picture: Real) -> Real:
    fine, coarse = _DETAIL
    smooth = _smooth(picture, fine)
    return (smooth - _smooth(smooth, coarse)).ravel()


def _correlation(left: Real, right: Real) -> float:
    left, right = left - left.mean(), right - right.mean()
    spread = float(np.sqrt((left @ left) * (right @ right)))
    return float(left @ right) / spread if spread > 1e-6 else 0.0
