# SPDX-License-Identifier: Apache-2.0
"""U-Nets (Ronneberger et al. 2015; volumes: Cicek et al. 2016): ReLU on the way down, LeakyReLU on the way up, softmax over the classes."""
import torch
import torch.nn.functional as F
from torch import nn


class UNet2d(nn.Module):
    """[N,channels,h,w] -> probabilities [N,classes,h,w]; h and w multiples of 2^(levels - 1)."""

    def __init__(self, channels=3, classes=2, width=(32, 64, 128, 256)):
        super().__init__()

        def double(cin, cout, act):
            return nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1), nn.BatchNorm2d(cout), act(),
                                 nn.Conv2d(cout, cout, 3, padding=1), nn.BatchNorm2d(cout), act())

        def leaky():
            return nn.LeakyReLU(0.01)

        self.down = nn.ModuleList(double(cin, cout, nn.ReLU) for cin, cout in zip((channels,) + width, width))
        self.up = nn.ModuleList(nn.ConvTranspose2d(cin, cout, 2, 2)
                                for cin, cout in zip(width[:0:-1], width[-2::-1]))
        self.merge = nn.ModuleList(double(2 * cout, cout, leaky) for cout in width[-2::-1])
        self.head = nn.Conv2d(width[0], classes, 1)

    def logits(self, x):
        skips = []
        for i, block in enumerate(self.down):
            x = block(x if i == 0 else F.max_pool2d(x, 2))
            skips.append(x)
        for up, merge, skip in zip(self.up, self.merge, skips[-2::-1]):
            x = merge(torch.cat([up(x), skip], 1))
        return self.head(x)

    def forward(self, x):
        return torch.softmax(self.logits(x), 1)


class UNet3d(nn.Module):
    """[N,1,d,h,w] -> probabilities [N,classes,d,h,w]. A 3^3 convolution a level on the way down with 2^3 pools between, 2^3
    up-convolutions with LeakyReLU and a 3^3 convolution a level on the way up, a 1^3 head."""

    def __init__(self, classes=2, width=(48, 96, 192, 384)):
        super().__init__()
        self.down = nn.ModuleList(nn.Conv3d(cin, cout, 3, padding=1) for cin, cout in zip((1,) + width, width))
        self.up = nn.ModuleList(nn.ConvTranspose3d(cin, cout, 2, 2) for cin, cout in zip(width[:0:-1], width[-2::-1]))
        self.merge = nn.ModuleList(nn.Conv3d(2 * cout, cout, 3, padding=1) for cout in width[-2::-1])
        self.head = nn.Conv3d(width[0], classes, 1)

    def forward(self, x):
        skips = []
        for i, convolution in enumerate(self.down):
            x = F.relu(convolution(x if i == 0 else F.max_pool3d(x, 2)))
            skips.append(x)
        for up, merge, skip in zip(self.up, self.merge, skips[-2::-1]):
            x = F.leaky_relu(up(x), 0.01)
            x = F.leaky_relu(merge(torch.cat([x, skip], 1)), 0.01)
        return torch.softmax(self.head(x), 1)
