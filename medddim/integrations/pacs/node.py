"""The node itself: what is received and stable is enhanced, and the result is sent on, once."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from medddim import batch, formats
from medddim.batch import Job, Outcome
from medddim.errors import EnvironmentProblem, MedddimError
from medddim.formats import Series
from medddim.integrations.pacs.queue import Queue
from medddim.integrations.pacs.receiver import Doors, listening
from medddim.integrations.pacs.sender import Node, Web

log = logging.getLogger(__name__)

LOOK_S = 0.5
"""How often the queue is looked at."""
RETRY_S = 30.0
"""How long it waits before it sends again what was not taken."""


@dataclass
class Listener:
    """Receives, enhances and sends on; all that it knows is in its queue.

    `job` is what is done to a series, as in `batch.run`; `settings` name it, so that a series done
    with others is done again. `select` chooses series, as `medddim enhance` does.
    """

    queue: Queue
    doors: Doors
    to: Node | Web
    job: Job | Callable[[Series], Job]
    settings: str
    select: str = ""
    stable_s: float = 60.0
    waiting: dict[str, float] = field(default_factory=dict)
    """Studies whose results were not taken, and when to try again."""

    def serve(self, *, until: Callable[[], bool] = lambda: False) -> None:
        """Listen and work until stopped. Raises EnvironmentProblem."""
        self.queue.prepare()
        with listening(self.doors, self.queue) as port:
            log.info("listening as %s on %s:%d", self.doors.title, self.doors.host, port)
            while not until():
                self.work()
                self.queue.drop_abandoned()
                time.sleep(LOOK_S)

    def work(self) -> None:
        """Do what is to be done for every study of which nothing comes any more."""
        for study in self.queue.stable(self.stable_s):
            if time.monotonic() < self.waiting.get(study.name, 0.0):
                continue
            try:
                self._study(study)
                self.waiting.pop(study.name, None)
            except EnvironmentProblem as problem:  # the other side, or the disk: later again
                log.error("study %s: %s; trying again later", study.name, problem)
                self.waiting[study.name] = time.monotonic() + RETRY_S
            except MedddimError as problem:
                place = self.queue.put_aside(study)
                log.error("study %s: %s; put aside in %s", study.name, problem, place)

    def _study(self, study: Path) -> None:
        began = self.queue.last_change(study)
        series = sorted(one for one in study.iterdir() if one.is_dir())
        late = [one for one in series if self.queue.is_done(one, self.settings)]
        if late:
            log.warning("study %s: images of %d series came late", study.name, len(late))
        new = [one for one in series if one not in late]
        scans = formats.find(*new, select=self.select) if new else []
        results = self.queue.results(study)
        outcomes = list(batch.run(scans, results, job=self.job)) if scans else []
        if self.queue.last_change(study) != began:
            self.queue.forget_results(study)
            log.info("study %s: more came meanwhile; again when it is complete", study.name)
            return
        for outcome in outcomes:
            self._send(study, outcome)
        self.queue.finish(study, series, self.settings)
        log.info("study %s: done, %d of %d series chosen", study.name, len(scans), len(new))

    def _send(self, study: Path, outcome: Outcome) -> None:
        if not outcome.good:
            log.warning("study %s: a series was %s: %s", study.name, outcome.status, outcome.reason)
            return
        results = self.queue.results(study)
        files = [results / name for name in outcome.outputs if name.endswith(".dcm")]
        unsent = [file for file in files if not self.queue.is_sent(study, file)]
        if unsent:
            self.to.send(
                unsent,
                calling=self.doors.title,
                taken=lambda file: self.queue.mark_sent(study, file),
            )
            log.info("study %s: %d images sent to %s", study.name, len(unsent), self.to)


def settings_of(options: dict[str, object]) -> str:
    """The name of what is asked for, the same for the same options."""
    return json.dumps(options, sort_keys=True, default=str)
