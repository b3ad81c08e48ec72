import os

from sweepstake.processes.death_signal import end_with


def test_a_process_whose_parent_has_ended_already_ends_at_once():
    """A parent that died before the signal was asked for would never send it."""
    pid = os.fork()
    if pid == 0:
        end_with(os.getpid())  # as good as any process that is not the parent
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert 1 == os.waitstatus_to_exitcode(status)


def test_a_process_whose_parent_lives_goes_on():
    """Nothing happens before the parent ends."""
    parent, pid = os.getpid(), os.fork()
    if pid == 0:
        end_with(parent)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert 0 == os.waitstatus_to_exitcode(status)
