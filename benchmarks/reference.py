"""The limit that virtual time is measured against: one heap of integers and nothing else."""

from heapq import heapify, heappop, heappush, heapreplace
from time import process_time

_PUBLISH, _AT_BROKER, _ACKNOWLEDGED = range(3)
_MESSAGES = 150_000


def heap_messages(cars: int, seconds: float) -> int:
    """Each car sends 1 message/s, 100 ms there and 100 ms back; returns how many were sent."""
    heap = [(1.0 + car / cars, car, _PUBLISH, car) for car in range(cars)]
    heapify(heap)
    acknowledged = [0] * cars
    sequence = cars
    sent = 0
    while heap[0][0] <= seconds:
        at, _, step, car = heap[0]
        sequence += 1
        if step == _PUBLISH:
            heapreplace(heap, (at + 1.0, sequence, _PUBLISH, car))
            sequence += 1
            heappush(heap, (at + 0.1, sequence, _AT_BROKER, car))
            sent += 1
        elif step == _AT_BROKER:
            heapreplace(heap, (at + 0.1, sequence, _ACKNOWLEDGED, car))
        else:
            heappop(heap)
            acknowledged[car] += 1
    return sent


def heap_rate(cars: int) -> float:
    """Messages per CPU second of the bare heap."""
    begun = process_time()
    sent = heap_messages(cars, max(2.0, _MESSAGES / cars))
    return sent / (process_time() - begun)
