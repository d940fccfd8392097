"""Text lines of a picture, whichever way it was held, by the models that come in the recogniser's own package.

Two passes. The first finds text in a small copy: its boxes tell how the page lies (upright, on its side, askew) and
which part of the picture it is. The second reads that part, turned upright, as large as is useful.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import rapidocr

from bot.ocr.images import Pixels, fade_seal
from bot.ocr.lines import Line

Boxes = npt.NDArray[np.float32]
"""Shape (n, 4, 2): corners of each text line from the upper left clockwise, x before y."""

MODELS = Path(rapidocr.__file__).parent / "models"
FIRST_SIDE, SECOND_SIDE, DETECT_SIDE = 1024, 2400, 1440
"""Longer side in pixels: of the first pass, of what is read, and of the copy in which the second pass finds text."""
TURNED_DOWN = 0.5
"""The share of lines that the classifier takes for upside down."""
MIN_SCORE = 0.5
MIN_SKEW = 0.4
"""Degrees; below this turning the picture costs more than it gives."""


class Recogniser:
    """Holds the models; the first page loads them."""

    def __init__(self) -> None:
        given = {f"{task}.model_path": str(_model(task)) for task in ("Det", "Cls", "Rec")}
        # A named model is never looked for elsewhere, so nothing is fetched.
        self._engine: Any = rapidocr.RapidOCR(
            params=given
            | {
                "Global.log_level": "critical",
                "Global.max_side_len": SECOND_SIDE,
                "Global.text_score": MIN_SCORE,
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                "Det.limit_type": "max",
                "Det.limit_side_len": DETECT_SIDE,
            }
        )

    def read(self, pixels: Pixels, page: int) -> list[Line]:
        upright = self._upright(pixels)
        if upright is None:
            return []
        # The engine remembers what it was last told, so everything is said.
        found = self._engine(fade_seal(_within(upright, SECOND_SIDE)), use_det=True, use_cls=True, use_rec=True)
        if found.boxes is None:
            return []
        return [
            Line(text, *_box(corners), score=round(float(score), 3), page=page)
            for corners, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
        ]

    def _upright(self, pixels: Pixels) -> Pixels | None:
        """The part of the picture that bears text, turned so that it reads; None where there is no text."""
        small = _within(pixels, FIRST_SIDE)
        boxes = self._find(small)
        if boxes is None:
            return None
        if _on_its_side(boxes):
            small, pixels = _quarter(small), _quarter(pixels)
            boxes = self._find(small)
            if boxes is None:
                return None
        pixels = _crop(pixels, boxes * (pixels.shape[0] / small.shape[0]))
        if self._upside_down(small, boxes):
            pixels = np.ascontiguousarray(pixels[::-1, ::-1])
        return _deskew(pixels, _skew(boxes))

    def _find(self, pixels: Pixels) -> Boxes | None:
        found = self._engine(pixels, use_det=True, use_cls=False, use_rec=False)
        return None if found.boxes is None else np.asarray(found.boxes, dtype=np.float32)

    def _upside_down(self, pixels: Pixels, boxes: Boxes) -> bool:
        crops = self._engine.crop_text_regions(pixels, boxes)
        _, told = self._engine.cls_and_rotate(crops)
        votes = [label == "180" for label, score in told.cls_res if score > 0.6]
        return bool(sum(votes) > TURNED_DOWN * max(len(votes), 1))


def _model(task: str) -> Path:
    return next(MODELS.glob(f"*_{task.lower()}_*.onnx"))


def _within(pixels: Pixels, side: int) -> Pixels:
    scale = side / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    size = (max(round(pixels.shape[1] * scale), 1), max(round(pixels.shape[0] * scale), 1))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _sizes(boxes: Boxes) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Width along the line of text, and height across it."""
    return np.linalg.norm(boxes[:, 1] - boxes[:, 0], axis=1), np.linalg.norm(boxes[:, 3] - boxes[:, 0], axis=1)


def _on_its_side(boxes: Boxes) -> bool:
    """Long boxes speak; a box as high as wide is a single character and says nothing."""
    widths, heights = _sizes(boxes)
    tall, wide = heights > 1.5 * widths, widths > 1.5 * heights
    return float((heights * tall).sum()) > float((widths * wide).sum())


def _quarter(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(np.rot90(pixels))


def _skew(boxes: Boxes) -> float:
    """Degrees by which the longer lines of text fall to the right."""
    widths, _ = _sizes(boxes)
    longer = boxes[widths >= np.median(widths)]
    along = longer[:, 1] - longer[:, 0]
    return float(np.median(np.degrees(np.arctan2(along[:, 1], along[:, 0]))))


def _crop(pixels: Pixels, boxes: Boxes) -> Pixels:
    """The part with text on it, with a margin: a label on a scale is small in its photo."""
    corners = boxes.reshape(-1, 2)
    margin = 0.04 * max(pixels.shape[:2])
    left, top = np.maximum(corners.min(axis=0) - margin, 0).astype(int)
    right, bottom = (corners.max(axis=0) + margin).astype(int)
    return np.ascontiguousarray(pixels[top:bottom, left:right])


def _deskew(pixels: Pixels, degrees: float) -> Pixels:
    if abs(degrees) < MIN_SKEW:
        return pixels
    height, width = pixels.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    slope = math.radians(abs(degrees))
    wide = round(width * math.cos(slope) + height * math.sin(slope))
    high = round(height * math.cos(slope) + width * math.sin(slope))
    turn[:, 2] += ((wide - width) / 2, (high - height) / 2)
    turned = cv2.warpAffine(pixels, turn, (wide, high), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, dtype=np.uint8)


def _box(corners: Sequence[Any]) -> tuple[float, float, float, float]:
    """x, y, width, height of a line that may still slope: its own size about its own middle."""
    points = np.asarray(corners, dtype=np.float32)
    (width,), (height,) = _sizes(points[None])
    x, y = points.mean(axis=0) - (width / 2, height / 2)
    return round(float(x), 1), round(float(y), 1), round(float(width), 1), round(float(height), 1)
