"""What an administrator decides about the catalogue, as configuration."""

from __future__ import annotations

from dataclasses import dataclass

from traitlets import Bool, Float, Integer
from traitlets.config import Configurable

_DAY = 86400.0


@dataclass(frozen=True)
class Limits:
    """What an administrator says of the catalogue.

    Attributes:
        per_person: entries of one person; 0 where administrators alone publish.
        reports: by one person within a day.
        popular: repositories that stand there because many launched them.
        people: how many these are at least.
        half_life: seconds after which a launch counts half.
        checks: entries that are looked at within an hour.
        builds: environments that are built within an hour.
        pictures: whether entries are shown with pictures.
    """

    per_person: int = 50
    reports: int = 10
    popular: int = 12
    people: int = 3
    half_life: float = 30 * _DAY
    checks: int = 60
    builds: int = 0
    pictures: bool = True


class Catalogue(Configurable):
    """Links that people recommend to each other."""

    per_person = Integer(
        50,
        min=0,
        help="""Entries one person may publish (default 50). 0: administrators alone publish, who
        have no limit.""",
    ).tag(config=True)

    reports_per_day = Integer(
        10, min=1, help="Entries one person may report within a day (default 10)."
    ).tag(config=True)

    popular = Integer(
        12,
        min=0,
        help="""Repositories that stand in the catalogue by themselves because many launched them
        (default 12); 0 for none. Only what everybody may read stands there.""",
    ).tag(config=True)

    popular_people = Integer(
        3,
        min=2,
        help="""How many people have to have launched something for it to be called popular
        (default 3), so that nobody is told what one person works on.""",
    ).tag(config=True)

    half_life = Float(
        30, min=0.01, help="Days after which a person's launch counts half (default 30)."
    ).tag(config=True)

    checks_per_hour = Integer(
        60,
        min=0,
        help="""Entries that are looked at within an hour, whether they can still be launched
        (default 60): their hosts are asked for the commit, nothing is built. Each is looked at
        once a day at most. 0: none is, and nothing is called popular.""",
    ).tag(config=True)

    builds_per_hour = Integer(
        0,
        min=0,
        help="""Environments of entries that are built within an hour without anybody asking, what
        is featured first, so that they start at once and it is known that they still can be built.
        Default: 0, none.""",
    ).tag(config=True)

    pictures = Bool(
        True,
        help="""Whether an entry is shown with a picture out of its repository, if everybody may
        read that and its publisher names one (default: yes). Nobody has looked at it before. None
        is fetched where `checks_per_hour` is 0.""",
    ).tag(config=True)

    def limits(self) -> Limits:
        return Limits(
            per_person=self.per_person,
            reports=self.reports_per_day,
            popular=self.popular if self.checks_per_hour else 0,
            people=self.popular_people,
            half_life=self.half_life * _DAY,
            checks=self.checks_per_hour,
            builds=self.builds_per_hour,
            pictures=self.pictures,
        )
