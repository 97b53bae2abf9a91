"""Scores of your own training, without a proxy: a plain PyTorch loop with two more lines.

python examples/own_training.py                                     # trains, and writes the trace
prune score --type aum,forgetting,el2n                              # arithmetic on that trace
prune select --method top --score aum --fraction 0.9                # without those that look mislabelled
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from prune.trace import TraceWriter, numbered

EPOCHS = int(sys.argv[1]) if len(sys.argv) > 1 else 10

digits = load_digits()
data = TensorDataset(torch.tensor(digits.data / 16, dtype=torch.float32), torch.tensor(digits.target))
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.1), nn.Linear(128, 10))
optimiser = torch.optim.Adam(model.parameters(), 1e-3)

# A dataset that prune knows already needs neither keys nor labels: TraceWriter(".prune", epochs=EPOCHS).
keys = [f"digit-{row:04d}" for row in range(len(data))]
writer = TraceWriter(".prune", epochs=EPOCHS, keys=keys, labels=digits.target)
for epoch in range(EPOCHS):
    model.train()
    for inputs, labels in DataLoader(data, batch_size=64, shuffle=True):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), labels)
        loss.backward()
        optimiser.step()
    writer.observe(model, DataLoader(numbered(data), batch_size=512))
    print(f"epoch {epoch + 1}: loss {loss.item():.3f}")
writer.close()
