"""The story that ``cellbook demo`` plays: data for the most part, and a stage to play it on."""

from cli.story.first_life import FIRST_LIFE
from cli.story.second_life import AFTERLIFE, TURN

CHAPTERS = (
    ("First life: a bus", FIRST_LIFE),
    ("The turn: tested, and made new", TURN),
    ("Second life: a solar park", AFTERLIFE),
)
STEPS = tuple(step for _, steps in CHAPTERS for step in steps)
"""All steps in the order in which they are played."""
