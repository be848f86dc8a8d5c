# SPDX-License-Identifier: Apache-2.0
"""Slim detectors with three scales (strides 32, 16, 8), after YOLOv3 (Redmon and Farhadi 2018) and YOLOv4 (Bochkovskiy et al. 2020). forward()
gives the raw maps [N, anchors * (5 + classes), h, w], coarsest first. At width 1 and 80 classes they have about 8.8 and 6.0
million parameters, 35.4 and 24.0 MB in float32."""
import torch
import torch.nn.functional as F
from torch import nn


def conv(cin, cout, kernel, stride=1, act="leaky"):
    layers = [nn.Conv2d(cin, cout, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(cout)]
    if act == "leaky":
        layers.append(nn.LeakyReLU(0.1))
    elif act == "mish":
        layers.append(nn.Mish())
    return nn.Sequential(*layers)


def up(x):
    return F.interpolate(x, scale_factor=2, mode="nearest")


class Shortcut(nn.Module):
    def __init__(self, channels, hidden, act):
        super().__init__()
        self.body = nn.Sequential(conv(channels, hidden, 1, act=act), conv(hidden, channels, 3, act=act))

    def forward(self, x):
        return x + self.body(x)


class YoloV3Slim(nn.Module):
    """Residual backbone of five halvings; each scale's features are upsampled and joined to the next finer one."""

    def __init__(self, classes=80, anchors=3, width=(16, 32, 64, 128, 256, 512), blocks=(1, 1, 2, 2, 2), act="leaky"):
        super().__init__()
        out = anchors * (5 + classes)
        stages, cin = [conv(3, width[0], 3, act=act)], width[0]
        for cout, n in zip(width[1:], blocks):
            stages.append(nn.Sequential(conv(cin, cout, 3, 2, act), *[Shortcut(cout, cout // 2, act) for _ in range(n)]))
            cin = cout
        self.stages = nn.ModuleList(stages)
        c8, c16, c32 = width[3:]
        self.neck32 = nn.Sequential(conv(c32, c16, 1, act=act), conv(c16, c32, 3, act=act), conv(c32, c16, 1, act=act))
        self.head32 = nn.Sequential(conv(c16, c32, 3, act=act), nn.Conv2d(c32, out, 1))
        self.up16 = conv(c16, c8, 1, act=act)
        self.neck16 = nn.Sequential(conv(c16 + c8, c8, 1, act=act), conv(c8, c16, 3, act=act), conv(c16, c8, 1, act=act))
        self.head16 = nn.Sequential(conv(c8, c16, 3, act=act), nn.Conv2d(c16, out, 1))
        self.up8 = conv(c8, c8 // 2, 1, act=act)
        self.neck8 = nn.Sequential(conv(c8 + c8 // 2, c8 // 2, 1, act=act), conv(c8 // 2, c8, 3, act=act))
        self.head8 = nn.Sequential(conv(c8, c8, 3, act=act), nn.Conv2d(c8, out, 1))

    def forward(self, x):
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        n32 = self.neck32(features[5])
        n16 = self.neck16(torch.cat([up(self.up16(n32)), features[4]], 1))
        n8 = self.neck8(torch.cat([up(self.up8(n16)), features[3]], 1))
        return self.head32(n32), self.head16(n16), self.head8(n8)


class CspStage(nn.Module):
    """A halving, then two paths of half of the channels: one plain, one through shortcuts; both are joined and mixed."""

    def __init__(self, cin, cout, n, act):
        super().__init__()
        half = cout // 2
        self.down = conv(cin, cout, 3, 2, act)
        self.plain, self.deep = conv(cout, half, 1, act=act), conv(cout, half, 1, act=act)
        self.blocks = nn.Sequential(*[Shortcut(half, half, act) for _ in range(n)], conv(half, half, 1, act=act))
        self.merge = conv(cout, cout, 1, act=act)

    def forward(self, x):
        x = self.down(x)
        return self.merge(torch.cat([self.blocks(self.deep(x)), self.plain(x)], 1))


class YoloV4Slim(nn.Module):
    """Cross-stage-partial backbone with mish, spatial pyramid pooling (5, 9, 13), a path down and up again (PAN) with LeakyReLU."""

    def __init__(self, classes=80, anchors=3, width=(16, 32, 64, 128, 224, 416), blocks=(1, 1, 2, 2, 1)):
        super().__init__()
        out = anchors * (5 + classes)
        self.stem = conv(3, width[0], 3, act="mish")
        self.stages = nn.ModuleList(CspStage(cin, cout, n, "mish") for cin, cout, n in zip(width, width[1:], blocks))
        c8, c16, c32 = (c // 2 for c in width[3:])
        self.squeeze = conv(width[5], c32, 1)
        self.neck32 = nn.Sequential(conv(4 * c32, c32, 1), conv(c32, width[5], 3), conv(width[5], c32, 1))
        self.up16, self.side16 = conv(c32, c16, 1), conv(width[4], c16, 1)
        self.neck16 = nn.Sequential(conv(2 * c16, c16, 1), conv(c16, width[4], 3), conv(width[4], c16, 1))
        self.up8, self.side8 = conv(c16, c8, 1), conv(width[3], c8, 1)
        self.neck8 = nn.Sequential(conv(2 * c8, c8, 1), conv(c8, width[3], 3), conv(width[3], c8, 1))
        self.head8 = nn.Sequential(conv(c8, width[3], 3), nn.Conv2d(width[3], out, 1))
        self.down16 = conv(c8, c16, 3, 2)
        self.last16 = nn.Sequential(conv(2 * c16, c16, 1), conv(c16, width[4], 3), conv(width[4], c16, 1))
        self.head16 = nn.Sequential(conv(c16, width[4], 3), nn.Conv2d(width[4], out, 1))
        self.down32 = conv(c16, c32, 3, 2)
        self.last32 = conv(2 * c32, c32, 1)
        self.head32 = nn.Sequential(conv(c32, width[5], 3), nn.Conv2d(width[5], out, 1))

    def forward(self, x):
        x, features = self.stem(x), []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        x = self.squeeze(features[4])
        n32 = self.neck32(torch.cat([F.max_pool2d(x, k, 1, k // 2) for k in (13, 9, 5)] + [x], 1))
        n16 = self.neck16(torch.cat([self.side16(features[3]), up(self.up16(n32))], 1))
        n8 = self.neck8(torch.cat([self.side8(features[2]), up(self.up8(n16))], 1))
        l16 = self.last16(torch.cat([self.down16(n8), n16], 1))
        l32 = self.last32(torch.cat([self.down32(l16), n32], 1))
        return self.head32(l32), self.head16(l16), self.head8(n8)


def scaled(width, factor):
    """Channels times `factor`, in whole groups of eight."""
    return tuple(max(8, int(round(c * factor / 8)) * 8) for c in width)


# Channels of the first convolution and the five stages.
WIDTHS = {"yolov3": (16, 32, 64, 128, 256, 512), "yolov4": (16, 32, 64, 128, 224, 416)}


def build(kind, classes, anchors=3, factor=1.0):
    network = {"yolov3": YoloV3Slim, "yolov4": YoloV4Slim}[kind]
    return network(classes, anchors, scaled(WIDTHS[kind], factor))
