"""The model card that a bundle carries, written from what its config says."""

from typing import Any


def model_card(config: dict[str, Any]) -> str:
    """Markdown for people who wonder whether they may use the model, and for what."""
    model, defaults = config["model"], config["defaults"]
    return f"""# {config["name"]} {config["version"]}

{config["description"]}

Makes the motion of two people from a sentence: up to {config["max_frames"]} frames at {config["fps"]} a second.

| | |
|---|---|
| Architecture | InterMamba (Wu et al., TVCG 2026): {model["blocks"]} blocks of width {model["width"]}, state {model["state"]}, {model["patch"]} frames a token, {"one set of weights for both people" if model["shared_people"] else "weights of their own for each person"} |
| Text encoder | {config["text_encoder"]}, and a trained {model["text_layers"]}-layer transformer |
| Trained | {config["steps_trained"]} steps of the recipe `{config["name"]}`, code at `{config["git_commit"][:12]}` |
| Sampling | {defaults["sampler"]}, {defaults["steps"]} steps, guidance {defaults["guidance"]}, contrast {config["contrast"]}, pelvises at least about {config["least_distance"]} m apart |
| Licence | {config["licence"]} |

## Data

{config["training_data"]}

{config["acknowledgement"]}

## Retrain it

    python -m training.train {config["name"]} --data FOLDER --out runs/{config["name"]}
    python -m training.export runs/{config["name"]}/last.safetensors BUNDLE
"""
