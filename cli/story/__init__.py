"""The stories that ``cellbook demo`` plays: data for the most part, and a stage to play them on."""

from cli.story import modules
from cli.story.cast import ACTORS, SECOND_LIFE, Check, Story
from cli.story.first_life import FIRST_LIFE
from cli.story.second_life import AFTERLIFE, TURN

TWO_LIVES = Story(
    name="two-lives",
    actors=ACTORS,
    chapters=(
        ("First life: a bus", FIRST_LIFE),
        ("The turn: tested, and made new", TURN),
        ("Second life: a solar park", AFTERLIFE),
    ),
    checks=(Check(title="The buyer checks it", file="battery.dossier", of=SECOND_LIFE),),
    is_falsified=True,
)
STORIES = {story.name: story for story in (TWO_LIVES, modules.STORY)}
