"""The order of jobs: a pure policy, tested as one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sparkvsr_backend.requests import Priority
from sparkvsr_backend.scheduler import Scheduler, Ticket

INTERACTIVE, PREFETCH, BATCH = Priority.INTERACTIVE, Priority.PREFETCH, Priority.BATCH


def ticket(client: str, number: int, priority: Priority = INTERACTIVE) -> Ticket[str]:
    return Ticket(client, number, priority, f"{client}{number}")


def run_all(scheduler: Scheduler[str]) -> list[str]:
    """One worker: pop, finish, pop."""
    order = []
    while (popped := scheduler.pop()) is not None:
        order.append(popped.job)
        scheduler.done(popped)
    return order


def test_interactive_before_prefetch_before_batch() -> None:
    scheduler: Scheduler[str] = Scheduler()
    for one in (ticket("a", 1, BATCH), ticket("a", 2, PREFETCH), ticket("a", 3), ticket("a", 4, PREFETCH)):
        scheduler.push(one)
    assert run_all(scheduler) == ["a3", "a2", "a4", "a1"]


def test_clients_take_turns_and_keep_their_own_order() -> None:
    scheduler: Scheduler[str] = Scheduler()
    for number in range(3):
        scheduler.push(ticket("a", number))
    scheduler.push(ticket("b", 0))
    scheduler.push(ticket("c", 0))
    assert run_all(scheduler) == ["a0", "b0", "c0", "a1", "a2"]


def test_background_work_leaves_a_worker_free() -> None:
    scheduler: Scheduler[str] = Scheduler(background_slots=1)
    scheduler.push(ticket("a", 1, BATCH))
    scheduler.push(ticket("a", 2, PREFETCH))
    first = scheduler.pop()
    assert first is not None
    assert first.job == "a2"
    assert scheduler.pop() is None
    scheduler.push(ticket("b", 1))
    interactive = scheduler.pop()
    assert interactive is not None
    assert interactive.job == "b1"
    scheduler.done(first)
    last = scheduler.pop()
    assert last is not None
    assert last.job == "a1"


def test_cancel_takes_one_job_out_and_only_if_it_waits() -> None:
    scheduler: Scheduler[str] = Scheduler()
    for number in range(3):
        scheduler.push(ticket("a", number))
    scheduler.push(ticket("b", 1))
    assert [one.job for one in scheduler.cancel("a", 1)] == ["a1"]
    assert scheduler.cancel("a", 1) == []
    assert scheduler.cancel("z", 1) == []
    assert run_all(scheduler) == ["a0", "b1", "a2"]


def test_dropping_a_client_leaves_the_others() -> None:
    scheduler: Scheduler[str] = Scheduler()
    for priority in Priority:
        scheduler.push(ticket("a", int(priority), priority))
        scheduler.push(ticket("b", int(priority), priority))
    assert sorted(one.job for one in scheduler.drop_client("a")) == ["a0", "a1", "a2"]
    assert scheduler.queued_of("a") == 0
    assert scheduler.queued_of("b") == len(scheduler) == 3
    assert run_all(scheduler) == ["b0", "b1", "b2"]


def test_dropping_all_empties_the_queue() -> None:
    scheduler: Scheduler[str] = Scheduler()
    scheduler.push(ticket("a", 1))
    scheduler.push(ticket("b", 1, BATCH))
    assert sorted(one.job for one in scheduler.drop_all()) == ["a1", "b1"]
    assert len(scheduler) == 0
    assert scheduler.pop() is None


JOBS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(list(Priority))), max_size=40)


@given(JOBS)
def test_every_job_runs_once_and_no_client_overtakes_itself(jobs: list[tuple[str, Priority]]) -> None:
    scheduler: Scheduler[str] = Scheduler()
    tickets = [Ticket(client, number, priority, f"{client}{number}") for number, (client, priority) in enumerate(jobs)]
    for one in tickets:
        scheduler.push(one)
    order = run_all(scheduler)
    assert sorted(order) == sorted(one.job for one in tickets)
    for client in "abc":
        for priority in Priority:
            own = [one.job for one in tickets if one.client == client and one.priority is priority]
            assert [job for job in order if job in own] == own


@given(JOBS)
def test_within_a_priority_no_client_waits_for_two_of_another(jobs: list[tuple[str, Priority]]) -> None:
    scheduler: Scheduler[str] = Scheduler()
    for number, (client, _) in enumerate(jobs):
        scheduler.push(ticket(client, number))
    waiting = {client: sum(1 for other, _ in jobs if other == client) for client in "abc"}
    last = ""
    for job in run_all(scheduler):
        client = job[0]
        assert client != last or all(count == 0 for other, count in waiting.items() if other != client)
        waiting[client] -= 1
        last = client
