"""All tasks, in the order of the page."""

from benchmarks.literature import (
    adding,
    copying,
    counting,
    japanese_vowels,
    jsb,
    mnist1d,
    nottingham,
    parity,
    shakespeare,
    temporal_order,
    ucr,
)
from benchmarks.literature.rows import Task

TASKS: tuple[Task, ...] = (
    jsb.TASK,
    nottingham.TASK,
    mnist1d.TASK,
    adding.TASK,
    temporal_order.TASK,
    copying.TASK,
    parity.TASK,
    counting.TASK,
    japanese_vowels.TASK,
    ucr.TASK,
    shakespeare.TASK,
)
