#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Exports the networks that need no trained weights to ONNX and TorchScript: architectures from Debian's torch and torchvision with seeded
weights, batch-norm statistics taken from seeded input so that activations keep a natural size.

    bench/models/export.py --out build/models [--only NAME ...] [--opset 13]

yolo_fastest takes its layers from yolo-fastest-1.1.cfg of the model zoo (DOTORI_ZOO, default ../shared). Needs Debian's python3-torch, python3-torchvision and python3-onnx. Files that exist already are left alone."""
import argparse
import os
import pathlib
import sys

import torch
import torchvision
from torch import nn
import torch.nn.functional as F


def conv(cin, cout, kernel, stride=1, act="leaky"):
    layers = [nn.Conv2d(cin, cout, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(cout)]
    if act == "leaky":
        layers.append(nn.LeakyReLU(0.1))
    elif act == "mish":
        layers.append(nn.Mish())
    return nn.Sequential(*layers)


class MobileNetV1(nn.Module):
    """MobileNetV1 1.0: thirteen depthwise-separable blocks, ReLU."""

    def __init__(self):
        super().__init__()

        def block(cin, cout, kernel, stride, groups):
            return nn.Sequential(nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False),
                                 nn.BatchNorm2d(cout), nn.ReLU())

        layers, cin = [block(3, 32, 3, 2, 1)], 32
        for cout, stride in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1),
                             (512, 1), (1024, 2), (1024, 1)]:
            layers += [block(cin, cin, 3, stride, cin), block(cin, cout, 1, 1, 1)]
            cin = cout
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(cin, 1000)

    def forward(self, x):
        return self.classifier(self.features(x).mean([2, 3]))


class CspTiny(nn.Module):
    """The cross-stage block of YOLOv4-tiny: half of the channels go through two 3x3 convolutions, everything is joined."""

    def __init__(self, channels):
        super().__init__()
        half = channels // 2
        self.stem = conv(channels, channels, 3)
        self.first = conv(half, half, 3)
        self.second = conv(half, half, 3)
        self.merge = conv(channels, channels, 1)

    def forward(self, x):
        x = self.stem(x)
        part = x[:, x.shape[1] // 2:]
        a = self.first(part)
        b = self.second(a)
        merged = self.merge(torch.cat([b, a], 1))
        return F.max_pool2d(torch.cat([x, merged], 1), 2), merged


class YoloV4Tiny(nn.Module):
    """YOLOv4-tiny's topology: CSP backbone, two scales (strides 32 and 16), raw head outputs."""

    def __init__(self, classes=80, anchors=3):
        super().__init__()
        out = anchors * (5 + classes)
        self.stem = nn.Sequential(conv(3, 32, 3, 2), conv(32, 64, 3, 2))
        self.csp1, self.csp2, self.csp3 = CspTiny(64), CspTiny(128), CspTiny(256)
        self.neck = nn.Sequential(conv(512, 512, 3), conv(512, 256, 1))
        self.head32 = nn.Sequential(conv(256, 512, 3), nn.Conv2d(512, out, 1))
        self.reduce = conv(256, 128, 1)
        self.head16 = nn.Sequential(conv(384, 256, 3), nn.Conv2d(256, out, 1))

    def forward(self, x):
        x = self.stem(x)
        x, _ = self.csp1(x)
        x, _ = self.csp2(x)
        x, route = self.csp3(x)
        x = self.neck(x)
        up = F.interpolate(self.reduce(x), scale_factor=2, mode="nearest")
        return self.head32(x), self.head16(torch.cat([up, route], 1))


class Shortcut(nn.Module):
    def __init__(self, channels, act):
        super().__init__()
        self.body = nn.Sequential(conv(channels, channels // 2, 1, act=act), conv(channels // 2, channels, 3, act=act))

    def forward(self, x):
        return x + self.body(x)


class YoloV3Slim(nn.Module):
    """A slim YOLOv3: residual backbone, three scales with upsample and concat, LeakyReLU; about 9 M parameters."""

    def __init__(self, classes=80, anchors=3, width=(16, 32, 64, 128, 256, 512), blocks=(1, 1, 2, 2, 2), act="leaky"):
        super().__init__()
        out = anchors * (5 + classes)
        stages, cin = [conv(3, width[0], 3, act=act)], width[0]
        for cout, n in zip(width[1:], blocks):
            stages.append(nn.Sequential(conv(cin, cout, 3, 2, act), *[Shortcut(cout, act) for _ in range(n)]))
            cin = cout
        self.stages = nn.ModuleList(stages)
        c8, c16, c32 = width[3], width[4], width[5]
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
        n16 = self.neck16(torch.cat([F.interpolate(self.up16(n32), scale_factor=2, mode="nearest"), features[4]], 1))
        n8 = self.neck8(torch.cat([F.interpolate(self.up8(n16), scale_factor=2, mode="nearest"), features[3]], 1))
        return self.head32(n32), self.head16(n16), self.head8(n8)


class UNet(nn.Module):
    """A U-Net: ReLU on the way down, transposed convolutions and LeakyReLU on the way up, softmax over the classes."""

    def __init__(self, axes, channels, classes=2, width=(32, 64, 128, 256)):
        super().__init__()
        conv, norm, up, self.pool = {
            2: (nn.Conv2d, nn.BatchNorm2d, nn.ConvTranspose2d, F.max_pool2d),
            3: (nn.Conv3d, nn.BatchNorm3d, nn.ConvTranspose3d, F.max_pool3d),
        }[axes]

        def double(cin, cout, act):
            return nn.Sequential(conv(cin, cout, 3, padding=1), norm(cout), act(),
                                 conv(cout, cout, 3, padding=1), norm(cout), act())

        def leaky():
            return nn.LeakyReLU(0.01)

        self.down = nn.ModuleList()
        cin = channels
        for cout in width:
            self.down.append(double(cin, cout, nn.ReLU))
            cin = cout
        self.up, self.merge = nn.ModuleList(), nn.ModuleList()
        for cout in reversed(width[:-1]):
            self.up.append(up(cin, cout, 2, 2))
            self.merge.append(double(2 * cout, cout, leaky))
            cin = cout
        self.head = conv(cin, classes, 1)

    def forward(self, x):
        skips = []
        for i, block in enumerate(self.down):
            x = block(x if i == 0 else self.pool(x, 2))
            skips.append(x)
        for up, merge, skip in zip(self.up, self.merge, reversed(skips[:-1])):
            x = merge(torch.cat([up(x), skip], 1))
        return torch.softmax(self.head(x), 1)


def darknet_layers(path):
    """(kind, options) of each section behind [net]."""
    layers = []
    for line in path.read_text().splitlines():
        line = line.split("#")[0].strip()
        if line.startswith("["):
            layers.append((line[1:-1], {}))
        elif line:
            key, value = line.split("=", 1)
            layers[-1][1][key.strip()] = value.strip()
    return layers[1:]


class Darknet(nn.Module):
    """The layers of a Darknet cfg, for the kinds below; the outputs are what its [yolo] layers read."""

    def __init__(self, path):
        super().__init__()
        self.plan, self.blocks, channels = [], nn.ModuleList(), []
        for i, (kind, o) in enumerate(darknet_layers(path)):
            number = lambda key, default: int(o.get(key, default))
            block, reads = nn.Identity(), [i - 1]
            if kind == "convolutional":
                cin, cout, size = channels[-1] if channels else 3, number("filters", 1), number("size", 1)
                pad, norm = size // 2 if number("pad", 0) else 0, number("batch_normalize", 0)
                layers = [nn.Conv2d(cin, cout, size, number("stride", 1), pad, groups=number("groups", 1), bias=not norm)]
                layers += [nn.BatchNorm2d(cout)] if norm else []
                layers += [nn.LeakyReLU(0.1)] if o["activation"] == "leaky" else []
                block = nn.Sequential(*layers)
                channels.append(cout)
            elif kind in ("shortcut", "route"):
                reads = [int(x) for x in o["from" if kind == "shortcut" else "layers"].split(",")]
                reads = [i + x if x < 0 else x for x in reads] + ([i - 1] if kind == "shortcut" else [])
                channels.append(channels[reads[0]] if kind == "shortcut" else sum(channels[r] for r in reads))
            else:
                if kind == "maxpool":
                    block = nn.MaxPool2d(number("size", 2), number("stride", 1), (number("size", 2) - 1) // 2)
                elif kind == "upsample":
                    block = nn.Upsample(scale_factor=number("stride", 2))
                elif kind not in ("dropout", "yolo"):
                    raise ValueError(f"{path}: no layer is written for [{kind}]")
                channels.append(channels[-1])
            self.plan.append((kind, reads))
            self.blocks.append(block)

    def forward(self, x):
        seen, answers = [], []
        for block, (kind, reads) in zip(self.blocks, self.plan):
            read = [seen[r] for r in reads] if seen else [x]
            y = sum(read[1:], read[0]) if kind == "shortcut" else torch.cat(read, 1) if kind == "route" else block(read[0])
            if kind == "yolo":
                answers.append(y)
            seen.append(y)
        return tuple(answers)


def image(size):
    return (1, 3, size, size)


YOLO_FASTEST = pathlib.Path(os.environ.get("DOTORI_ZOO", "../shared")) / "models/detection/yolo-fastest-1.1.cfg"

# How each is built, and its input.
NETWORKS = {
    "mobilenet_v1": (MobileNetV1, image(224)),
    "regnet_x_800mf": (lambda: torchvision.models.regnet_x_800mf(), image(224)),
    "mobilenet_v2": (lambda: torchvision.models.mobilenet_v2(), image(224)),
    "mobilenet_v3_large": (lambda: torchvision.models.mobilenet_v3_large(), image(224)),
    "efficientnet_b0": (lambda: torchvision.models.efficientnet_b0(), image(224)),
    "squeezenet1_1": (lambda: torchvision.models.squeezenet1_1(), image(224)),
    "mnasnet1_0": (lambda: torchvision.models.mnasnet1_0(), image(224)),
    "shufflenet_v2": (lambda: torchvision.models.shufflenet_v2_x1_0(), image(224)),
    "resnet18": (lambda: torchvision.models.resnet18(), image(224)),
    "yolov4_tiny": (YoloV4Tiny, image(416)),
    "yolov3_slim": (YoloV3Slim, image(416)),
    "unet2d": (lambda: UNet(2, 3), image(256)),
    "yolo_fastest": (lambda: Darknet(YOLO_FASTEST), image(320)),
    "unet3d": (lambda: UNet(3, 1, width=(48, 96, 192, 384)), (1, 1, 64, 64, 64)),
}


def settle_batch_norm(model, shape):
    """Gives every batch norm the statistics of seeded noise, so that the signal neither dies nor explodes."""
    norms = [m for m in model.modules() if isinstance(m, (nn.BatchNorm2d, nn.BatchNorm3d))]
    for m in norms:
        m.reset_running_stats()
        m.momentum = None
        nn.init.uniform_(m.weight, 0.5, 1.5)
        nn.init.normal_(m.bias, 0.0, 0.1)
    model.train()
    with torch.no_grad():
        for _ in range(2):
            model(torch.randn(2, *shape[1:]))
    model.eval()


def export(name, path, opset):
    build, shape = NETWORKS[name]
    torch.manual_seed(sum(map(ord, name)))
    model = build()
    settle_batch_norm(model, shape)
    parameters = sum(p.numel() for p in model.parameters())
    partial = path.with_suffix(".partial")
    torch.onnx.export(model, torch.rand(*shape), str(partial), opset_version=opset, input_names=["image"],
                      do_constant_folding=True)
    # For libtorch; first, so that the .onnx says that both are there.
    traced = torch.jit.trace(model, torch.rand(*shape))
    torch.jit.save(traced, str(path.with_suffix(".pt")))
    partial.rename(path)
    print(f"{path}  {parameters / 1e6:.2f} M parameters, input {'x'.join(map(str, shape))}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/models"))
    parser.add_argument("--only", nargs="*", choices=sorted(NETWORKS), default=sorted(NETWORKS))
    parser.add_argument("--opset", type=int, default=13)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.only:
        path = args.out / f"{name}.onnx"
        if name == "yolo_fastest" and not YOLO_FASTEST.exists():
            print("yolo_fastest: skipped: no model zoo", flush=True)
            continue
        if not path.exists() or not path.with_suffix(".pt").exists():
            export(name, path, args.opset)
    return 0


if __name__ == "__main__":
    sys.exit(main())
