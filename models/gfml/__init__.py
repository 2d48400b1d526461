"""The dual-game paper's games, from the state of federated meta-learning: coalitions of learners around heads."""

from models.gfml._coalitions import coalition_game

__all__ = ["coalition_game"]
