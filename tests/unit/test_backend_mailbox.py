"""Work left from other threads: all of it is done, in order, and the poller is woken."""

import select
import threading

from sparkvsr_backend.mailbox import Mailbox


def readable(mailbox: Mailbox, timeout_s: float = 0.0) -> bool:
    return bool(select.select([mailbox.fd], [], [], timeout_s)[0])


def test_work_is_done_in_order_and_once() -> None:
    mailbox, done = Mailbox(), list[int]()
    for number in range(3):
        mailbox.post(lambda number=number: done.append(number))  # type: ignore[misc]
    mailbox.run()
    mailbox.run()
    assert done == [0, 1, 2]
    mailbox.close()


def test_it_is_readable_while_work_lies_in_it_and_only_then() -> None:
    mailbox = Mailbox()
    assert not readable(mailbox)
    for _ in range(2):
        mailbox.post(lambda: None)
        assert readable(mailbox)
        mailbox.run()
        assert not readable(mailbox)
    mailbox.close()


def test_work_may_leave_more_work() -> None:
    mailbox, done = Mailbox(), list[str]()
    mailbox.post(lambda: mailbox.post(lambda: done.append("second")))
    mailbox.run()
    assert done == ["second"]
    assert not readable(mailbox)
    mailbox.close()


def test_no_work_of_any_thread_is_left_behind() -> None:
    """The poller sleeps whenever it is told that nothing lies there: a lost ring would leave it asleep."""
    mailbox, done, each = Mailbox(), list[int](), 2000

    def post_many() -> None:
        for _ in range(each):
            mailbox.post(lambda: done.append(1))

    posters = [threading.Thread(target=post_many) for _ in range(4)]
    for poster in posters:
        poster.start()
    while len(done) < each * len(posters):
        assert readable(mailbox, timeout_s=20.0), f"asleep with {len(done)} done"
        mailbox.run()
    for poster in posters:
        poster.join()
    mailbox.close()


def test_what_comes_after_the_end_is_dropped() -> None:
    mailbox = Mailbox()
    mailbox.close()
    mailbox.post(lambda: None)
