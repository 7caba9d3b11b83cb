from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from famtree.types.recent import Recent, remember


def test_the_last_results_are_held_up_to_their_size() -> None:
    made: list[str] = []

    def find(key: str, size: int) -> str:
        def make() -> str:
            made.append(key)
            return key.upper()

        return recent.find(key, make, size)

    recent: Recent[str] = Recent(10)
    assert [find("a", 4), find("b", 4), find("a", 4)] == ["A", "B", "A"]
    assert made == ["a", "b"]
    find("c", 4)  # b was asked for longest ago
    find("a", 4)
    assert made == ["a", "b", "c"]
    find("b", 4)
    assert made == ["a", "b", "c", "b"]
    find("huge", 99)  # the last one is held whatever its size, and alone
    find("huge", 99)
    find("a", 4)
    assert made[4:] == ["huge", "a"]


def test_a_failure_is_not_held() -> None:
    recent: Recent[int] = Recent(10)
    for value in (0, 1):
        try:
            assert recent.find("x", lambda value=value: 1 // value) == 1  # type: ignore[misc]
        except ZeroDivisionError:
            assert value == 0


def test_threads_get_their_own_keys() -> None:
    recent: Recent[int] = Recent(3)
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda at: recent.find(at % 7, lambda: at % 7), range(2000))
    assert list(found) == [at % 7 for at in range(2000)]


def test_a_function_remembers_by_identity_and_further_values() -> None:
    made: list[tuple[int, int]] = []

    @remember(2, lambda _: 1)
    def add(numbers: list[int], more: int = 0) -> int:
        made.append((len(numbers), more))
        return sum(numbers) + more

    first, equal = [1, 2], [1, 2]
    assert [add(first), add(first), add(equal), add(first, 5)] == [3, 3, 3, 8]
    assert made == [(2, 0), (2, 0), (2, 5)]
    assert add(first) == 3  # the oldest of three was let go
    assert len(made) == 4
