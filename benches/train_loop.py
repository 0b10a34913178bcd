"""A plain PyTorch training loop with the sizes of the `mini` preset, to compare its pairs per second with ours.

    scripts/bench_train.sh     runs both in turn

It does the same work in a step: BERT's last layer, 1 vision and 2 fusion layers over the text and 16 patches, a head of 825 rows,
AdamW, gradient norm at most 1. Its inputs are random and in memory; ours reads them from the disk.
"""

import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

WIDTH, HEADS, INNER, ENTITIES, PATCHES, FEATURES, BATCH = 384, 12, 1536, 825, 16, 1280, 64
# shortest and longest demo sentence in tokens; batches have similar lengths
LENGTHS = (8, 52)


class Layer(nn.Module):
    """x + norm(branch); with `on_sum` it is BERT's norm(x + branch)."""

    def __init__(self, on_sum=False):
        super().__init__()
        self.qkv = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.out, self.inner, self.outer = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(2))
        self.on_sum = on_sum

    def forward(self, x, bias):
        b, length, _ = x.shape
        q, k, v = (m(x).view(b, length, HEADS, WIDTH // HEADS).transpose(1, 2) for m in self.qkv)
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=0.1).transpose(1, 2)
        x = self.add(0, x, self.out(seen.reshape(b, length, WIDTH)))
        return self.add(1, x, F.dropout(self.outer(F.dropout(F.gelu(self.inner(x)), 0.1)), 0.1))

    def add(self, which, x, branch):
        return self.norms[which](x + branch) if self.on_sum else x + self.norms[which](branch)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.bert, self.vision = Layer(on_sum=True), Layer()
        self.fusion = nn.ModuleList(Layer() for _ in range(2))
        self.visual, self.visual_norm = nn.Linear(FEATURES, WIDTH), nn.LayerNorm(WIDTH)
        self.position = nn.Parameter(torch.randn(1, PATCHES, WIDTH) * 0.02)
        self.first, self.norm, self.last = nn.Linear(WIDTH, WIDTH), nn.LayerNorm(WIDTH), nn.Linear(WIDTH, ENTITIES)

    def forward(self, text, keep, patches):
        bias = ((~keep).float() * -1e9)[:, None, None]
        text = self.bert(text, bias)
        seen = F.gelu(self.visual_norm(F.dropout(self.visual(patches), 0.2))) + self.position
        seen = self.vision(seen, None)
        bias = F.pad(bias, (0, PATCHES))
        x = torch.cat([text, seen], 1)
        for layer in self.fusion:
            x = layer(x, bias)
        mean = (x[:, : text.shape[1]] * keep[..., None]).sum(1) / keep.sum(1, keepdim=True)
        pre_head = F.gelu(self.norm(F.dropout(self.first(mean), 0.2)))
        return F.log_softmax(F.dropout(self.last(pre_head), 0.2), -1)


def main(steps):
    torch.manual_seed(1)
    model = Model().train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.05)
    took = 0.0
    for step in range(steps + 5):
        length = int(torch.randint(*LENGTHS, (1,)))
        text, patches = torch.randn(BATCH, length, WIDTH), torch.randn(BATCH, PATCHES, FEATURES)
        keep = torch.arange(length)[None] < torch.randint(max(1, length - 4), length + 1, (BATCH, 1))
        labels = torch.randint(ENTITIES, (BATCH,))
        begun = time.perf_counter()
        loss = F.cross_entropy(model(text, keep, patches), labels, label_smoothing=0.075)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        took += time.perf_counter() - begun if step >= 5 else 0.0
    print(f"{steps} steps, {torch.get_num_threads()} threads: {steps * BATCH / took:.0f} pairs/s")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
