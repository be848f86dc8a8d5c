# SPDX-License-Identifier: Apache-2.0
"""Detection decoding written a second time, in NumPy, on the tensors of an independent engine (rank-4 maps as NHWC). Boxes are
in model-input pixels: arrays of x0, y0, x1, y1, score, class."""
import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def boxes_of(cx, cy, w, h, scores, threshold, best_class_only=False):
    """A box for every class above the threshold, or for the best class of each cell."""
    if best_class_only:
        scores = np.where(np.arange(scores.shape[-1]) == scores.argmax(-1)[..., None], scores, -1)
    keep = np.nonzero(scores >= threshold)
    cx, cy, w, h = (np.broadcast_to(v, scores.shape[:-1])[keep[:-1]] for v in (cx, cy, w, h))
    return np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2, scores[keep], keep[-1]], -1)


def grid(h, w):
    y, x = np.mgrid[:h, :w].astype(np.float64)
    return x, y


def anchor_maps(output, anchors, size, region, scale_x_y, threshold):
    _, h, w, _ = output.shape
    n = len(anchors)
    t = output[0].reshape(h, w, n, -1).astype(np.float64)
    x, y = (g[..., None] for g in grid(h, w))
    s = scale_x_y
    cx = (sigmoid(t[..., 0]) * s - (s - 1) / 2 + x) * size[0] / w
    cy = (sigmoid(t[..., 1]) * s - (s - 1) / 2 + y) * size[1] / h
    anchors = np.array(anchors, np.float64)
    bw, bh = np.exp(t[..., 2]) * anchors[:, 0], np.exp(t[..., 3]) * anchors[:, 1]
    classes = softmax(t[..., 5:]) if region else sigmoid(t[..., 5:])
    return boxes_of(cx, cy, bw, bh, sigmoid(t[..., 4:5]) * classes, threshold)


def decode(task, outputs, size):
    """task: dict with decoder, threshold and what the decoder needs; size: (width, height) of the input."""
    kind, threshold = task["decoder"], task["threshold"]
    if kind in ("yolo", "region"):
        parts = [anchor_maps(o, a, size, kind == "region", task.get("scale_x_y", 1.0), threshold)
                 for o, a in zip(outputs, task["anchors"])]
    elif kind == "yolox":
        t, parts, first = outputs[0][0].astype(np.float64), [], 0
        for stride in (8, 16, 32):
            w, h = size[0] // stride, size[1] // stride
            part, first = t[first:first + w * h], first + w * h
            x, y = (g.reshape(-1) for g in grid(h, w))
            parts.append(boxes_of((part[:, 0] + x) * stride, (part[:, 1] + y) * stride, np.exp(part[:, 2]) * stride,
                                  np.exp(part[:, 3]) * stride, part[:, 4:5] * part[:, 5:], threshold, True))
    elif kind == "fastestdet":
        t = outputs[0][0].astype(np.float64)
        h, w, _ = t.shape
        x, y = grid(h, w)
        parts = [boxes_of((np.tanh(t[..., 1]) + x) / w * size[0], (np.tanh(t[..., 2]) + y) / h * size[1],
                          sigmoid(t[..., 3]) * size[0], sigmoid(t[..., 4]) * size[1],
                          t[..., :1] ** 0.6 * t[..., 5:] ** 0.4, threshold, True)]
    elif kind == "nanodet":
        parts = []
        for (scores, sides), stride in zip(task["pairs"], (8, 16, 32)):
            w, h = -(-size[0] // stride), -(-size[1] // stride)
            s, d = outputs[scores].reshape(w * h, -1).astype(np.float64), outputs[sides].reshape(w * h, 4, -1)
            d = (softmax(d.astype(np.float64)) * np.arange(d.shape[-1])).sum(-1) * stride
            x, y = (g.reshape(-1) for g in grid(h, w))
            cx, cy = (x + 0.5) * stride, (y + 0.5) * stride
            x0, y0, x1, y1 = cx - d[:, 0], cy - d[:, 1], cx + d[:, 2], cy + d[:, 3]
            parts.append(boxes_of((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0, s, threshold))
    else:
        raise ValueError(kind)
    return np.concatenate(parts)


def iou(box, others):
    w = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    h = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    both = np.maximum(w, 0) * np.maximum(h, 0)
    area = (box[2] - box[0]) * (box[3] - box[1]) + (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    return both / np.maximum(area - both, 1e-12)


def suppress(boxes, threshold):
    """Greedy, class by class, best score first."""
    boxes = boxes[np.argsort(-boxes[:, 4], kind="stable")]
    kept = []
    for c in np.unique(boxes[:, 5]):
        rest = boxes[boxes[:, 5] == c][:1000]
        while len(rest):
            kept.append(rest[0])
            rest = rest[1:][iou(rest[0], rest[1:]) <= threshold]
    return np.array(kept).reshape(-1, 6)
