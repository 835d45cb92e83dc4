"""Writes lamb.json, which lamb_test.go compares with: steps of timm.optim.Lamb.

    pip install torch
    pip install --no-deps timm==1.0.22
    python lamb.py

timm's Lamb descends from NVIDIA's and not from the authors' code, of which it has all but
two things, set here: no norm of all gradients that clips them, and whether the moments
are corrected. Its ratio leaves out what has no weight decay; always_adapt brings it back for
matrices where the decay is 0.
"""

import importlib.util
import json
import os
import sys
import types

import torch

# timm's packages import torchvision, which its optimisers do not need.
root = importlib.util.find_spec("timm").submodule_search_locations[0]
for name, folder in ("timm", root), ("timm.optim", os.path.join(root, "optim")):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [folder]
from timm.optim.lamb import Lamb  # noqa: E402

torch.set_num_threads(1)
torch.manual_seed(1)


def single(x):
    """Returns what single precision makes of a number: kotoba computes with that."""
    return float(torch.tensor(x, dtype=torch.float32))


def normal(*shape, deviation=1.0):
    return (torch.randn(*shape) * deviation).double()


STEPS, RATE, BETA1, BETA2, EPSILON = 6, single(0.05), single(0.9), single(0.999), single(1e-6)
cases = []
for correction, decay in (False, single(0.01)), (True, single(0.01)), (False, 0.0):
    matrices = {
        "large": normal(3, 4, deviation=5), "query": normal(2, 6, deviation=0.1), "key": normal(2, 6, deviation=2),
        "zero": normal(2, 3, deviation=0), "still": normal(2, 3),
    }
    vectors = {"bias": normal(1, 5), "gain": torch.ones(1, 3).double()}
    params = {name: torch.nn.Parameter(x.clone()) for name, x in (matrices | vectors).items()}
    optimizer = Lamb(
        [
            {"params": [params[n] for n in matrices], "weight_decay": decay, "always_adapt": decay == 0},
            {"params": [params[n] for n in vectors], "weight_decay": 0.0},
        ],
        lr=RATE, betas=(BETA1, BETA2), eps=EPSILON, bias_correction=correction,
        grad_averaging=True, max_grad_norm=None, trust_clip=False,
    )
    case = {
        "corrected": correction, "rate": RATE, "beta1": BETA1, "beta2": BETA2, "epsilon": EPSILON, "decay": decay,
        "shape": {n: list(p.shape) for n, p in params.items()},
        "start": {n: p.flatten().tolist() for n, p in params.items()}, "gradients": [], "weights": [],
    }
    for _ in range(STEPS):
        for n, p in params.items():
            p.grad = normal(*p.shape, deviation=0 if n == "still" else 0.3)
        case["gradients"].append({n: p.grad.flatten().tolist() for n, p in params.items()})
        optimizer.step()
        case["weights"].append({n: p.flatten().tolist() for n, p in params.items()})
    cases.append(case)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "lamb.json"), "w") as f:
    json.dump(cases, f)
