import asyncio

from generator.gateway.throttle import Failures, Turns


def test_ten_wrong_passwords_and_then_one_every_six_seconds() -> None:
    now = [100.0]
    failures = Failures(lambda: now[0])
    for _ in range(10):
        assert failures.wait_s("a") == 0
        failures.failed("a")
    assert 5 < failures.wait_s("a") <= 6
    assert failures.wait_s("b") == 0
    now[0] += 6.1
    assert failures.wait_s("a") == 0
    failures.failed("a")
    assert failures.wait_s("a") > 0
    now[0] += 3600
    assert failures.wait_s("a") == 0


def test_turns_are_taken_in_order_and_passed_on() -> None:
    order: list[str] = []

    async def work(turns: Turns, address: str, name: str, gate: asyncio.Event) -> None:
        async with turns.turn(address):
            order.append(name)
            await gate.wait()

    async def story() -> None:
        turns, gate = Turns(2), asyncio.Event()
        tasks = [asyncio.create_task(work(turns, "a", f"a{number}", gate)) for number in range(5)]
        await asyncio.sleep(0)
        other = asyncio.create_task(work(turns, "b", "b", gate))
        await asyncio.sleep(0)
        assert order == ["a0", "a1", "b"]
        assert turns.waiting("a") == 3
        tasks[3].cancel()
        gate.set()
        await asyncio.gather(*tasks, other, return_exceptions=True)
        assert order == ["a0", "a1", "b", "a2", "a4"]
        assert turns.waiting("a") == 0
        async with turns.turn("a"):
            order.append("again")

    asyncio.run(story())
    assert order[-1] == "again"


def test_a_turn_that_comes_to_who_has_just_gone_is_passed_on() -> None:
    async def story() -> None:
        turns, entered = Turns(1), list[int]()

        async def waiter(number: int) -> None:
            async with turns.turn("a"):
                entered.append(number)

        async with turns.turn("a"):
            first, second = asyncio.create_task(waiter(1)), asyncio.create_task(waiter(2))
            await asyncio.sleep(0)
        first.cancel()  # its turn came in the same moment
        await asyncio.gather(first, second, return_exceptions=True)
        assert entered == [2]
        await asyncio.wait_for(waiter(3), 5)

    asyncio.run(story())
