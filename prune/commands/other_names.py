"""What other programs call our options: in words, and by one letter."""

from __future__ import annotations

MEANT = {
    "--output": "--out",
    "--output-dir": "--out",
    "--ratio": "--fraction",
    "--keep": "--fraction",
    "--num": "--count",
    "--number": "--count",
    "--k": "--count",
    "--force": "--overwrite",
    "--learning-rate": "--lr",
    "--num-workers": "--workers",
    "--model-name": "--encoder",
    "--gpu": "--device",
    "--image-size": "--proxy-size",
    "--img-size": "--proxy-size",
    "--resolution": "--proxy-size",
    "--top": "--first",
    "--limit": "--first",
    "--head": "--first",
}
LETTERS = {  # what other programs call it by one letter, where several of ours begin with that
    "-o": "--out",
    "-n": "--count",
    "-k": "--count",
    "-m": "--method",
    "-t": "--type",
    "-f": "--format",
    "-e": "--epochs",
    "-j": "--workers",
}
