"""Is an answer shared only by those who asked before it was read?"""

import asyncio

import pytest

from rolecall.storage.shared_look_ups import SharedLookUps


class Source:
    """What is looked up: the value of now, told when the look-up is let go on."""

    def __init__(self):
        self.value = 0
        self.begun = 0
        self.go_on = asyncio.Event()
        self.fails = False

    async def look_up(self):
        self.begun += 1
        value = self.value
        await self.go_on.wait()
        if self.fails:
            raise LookupError("It is not there.")
        return value


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


def test_whoever_asks_while_one_is_read_shares_the_next_and_sees_what_changed_before_the_question():
    async def run():
        shared, source = SharedLookUps(), Source()
        first = asyncio.ensure_future(shared.ask("key", source.look_up))
        await settle()
        source.value = 1
        others = [asyncio.ensure_future(shared.ask("key", source.look_up)) for _ in range(10)]
        await settle()
        assert source.begun == 1
        source.go_on.set()
        assert await first == 0
        assert await asyncio.gather(*others) == [1] * 10
        assert source.begun == 2
        source.value = 2
        assert await shared.ask("key", source.look_up) == 2
        assert source.begun == 3

    asyncio.run(run())


def test_other_names_do_not_wait():
    async def run():
        shared, slow, quick = SharedLookUps(), Source(), Source()
        waiting = asyncio.ensure_future(shared.ask("slow", slow.look_up))
        await settle()
        quick.go_on.set()
        assert await shared.ask("quick", quick.look_up) == 0
        assert not waiting.done()
        slow.go_on.set()
        await waiting

    asyncio.run(run())


def test_a_failure_is_that_of_all_who_share_it_and_of_nobody_later():
    async def run():
        shared, source = SharedLookUps(), Source()
        first = asyncio.ensure_future(shared.ask("key", source.look_up))
        await settle()
        others = [asyncio.ensure_future(shared.ask("key", source.look_up)) for _ in range(3)]
        source.fails = True
        source.go_on.set()
        failed = await asyncio.gather(first, *others, return_exceptions=True)
        assert [type(each) for each in failed] == [LookupError] * 4
        source.fails = False
        assert await shared.ask("key", source.look_up) == 0

    asyncio.run(run())


def test_whoever_hangs_up_does_not_end_it_for_the_others():
    async def run():
        shared, source = SharedLookUps(), Source()
        leaving = asyncio.ensure_future(shared.ask("key", source.look_up))
        await settle()
        following = [asyncio.ensure_future(shared.ask("key", source.look_up)) for _ in range(2)]
        await settle()
        leaving.cancel()
        following[0].cancel()
        await settle()
        source.go_on.set()
        assert await following[1] == 0
        for gone in (leaving, following[0]):
            with pytest.raises(asyncio.CancelledError):
                await gone
        assert source.begun == 2

    asyncio.run(run())


def test_one_after_the_other_are_looked_up_one_by_one():
    async def run():
        shared, source = SharedLookUps(), Source()
        source.go_on.set()
        for number in range(3):
            source.value = number
            assert await shared.ask("key", source.look_up) == number
        assert source.begun == 3

    asyncio.run(run())
