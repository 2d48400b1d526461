"""Section III-B of the dual-game paper: what rounds cost and how long they take, equations (6) to (9)."""

from __future__ import annotations

import math

from verification.errata._record import Record, Verdict

Numbers = tuple[float, ...]


def computing_cost(rho: float, steps: float, cycles: float, data: float, zeta: float, delta: float) -> float:
    """What computing costs, (6)."""
    return rho * steps * cycles * data * zeta * delta**2


def counted_time(steps: int, cycles: float, data: int, delta: float) -> float:
    """The seconds of all steps, sample by sample."""
    return math.fsum(cycles / delta for _ in range(steps) for _ in range(data))


def energy(rho: float, steps: int, cycles: float, data: int, zeta: float, delta: float) -> float:
    """The price of power zeta delta^3 for as long as the steps take."""
    return rho * zeta * delta**3 * counted_time(steps, cycles, data, delta)


def sending_cost(delta: float, a: float, b: float, z: float, lost: float) -> float:
    """What communication costs, (8)."""
    return a * (delta / (1 - lost)) ** 2 + b * (delta / (1 - lost)) + z


def answer(b: float, lost: float, share: float, prize: float, work: float, width: float) -> float:
    """The frequency at which the prize for one more hertz is what it costs: (6) at Table II, and (8) with a = 0."""
    return (share * prize / width - b / (1 - lost)) / (2 * 0.1 * 1e-27 * work)


def shannon(bits: float, rate: float, decibels: float) -> float:
    """The least time to send so many megabits if the rate is a bandwidth in megahertz."""
    return bits / (rate * math.log2(1 + 10 ** (decibels / 10)))


def sent_after(bits: float, rates: Numbers) -> float:
    """The seconds after which all is sent, at rates that take turns of a hundredth of a second."""
    sent, slots = 0.0, 0
    while sent < bits - 1e-9:
        sent += rates[slots % len(rates)] / 100
        slots += 1
    return slots / 100


RECORDS: tuple[Record, ...] = (
    Record(
        paper="gfml",
        where="(6)",
        about="the cost of computing",
        says=r"$c^{comp} = \rho \tau c \lvert \mathcal D \rvert \zeta \delta^2$.",
        why=r"Power $\zeta \delta^3$, for as long as all samples of all steps take at $c/\delta$ each, at the "
        r"price $\rho$.",
        verdict=Verdict.RIGHT,
        printed=computing_cost,
        correct=energy,
        at={"rho": 0.1, "steps": 10, "cycles": 10.0, "data": 40, "zeta": 1e-27, "delta": 9e8},
    ),
    Record(
        paper="gfml",
        where="(6)",
        about="the amount of data",
        says=r"$\lvert \mathcal D_{j,i} \rvert$ is the size of the batch here and in (7), and of the learner's "
        "data in (10) and (15).",
        instead="One of the two; the toolkit takes the amount of data.",
        why="With the batches of 40 of Table II all learners' shares in (10) are equal, and no one competes by data.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda batches, **_: batches[0] / sum(batches),
        correct=lambda samples, **_: samples[0] / sum(samples),
        at={"batches": (40, 40, 40), "samples": (3150, 1575, 788)},
        labels=("share by batches", "share by samples"),
    ),
    Record(
        paper="gfml",
        where="(7)",
        about="the time of computing",
        says=r"$T^{comp} = \tau c \lvert \mathcal D \rvert / \delta$.",
        why="Cycles are counted sample by sample and step by step.",
        verdict=Verdict.RIGHT,
        printed=lambda steps, cycles, data, delta: steps * cycles * data / delta,
        correct=counted_time,
        at={"steps": 10, "cycles": 10.0, "data": 40, "delta": 9e8},
    ),
    Record(
        paper="gfml",
        where="(7)",
        about="cycles per what",
        says=r"$c_{j,i}$ is cycles per sample in the text, and per bit in Table II.",
        instead=r"Per sample; or per bit, which the toolkit takes: with some $7 \cdot 10^7$ bits a round has the 10 "
        "seconds of Table III.",
        why="Ten steps on 40 images of 6272 bits at $10^9$ Hz: four microseconds, or 25 milliseconds.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda samples, delta, **_: 10 * 10 * samples / delta,
        correct=lambda samples, bits, delta: 10 * 10 * samples * bits / delta,
        at={"samples": 40, "bits": 6272, "delta": 1e9},
        labels=("per sample", "per bit"),
    ),
    Record(
        paper="gfml",
        where="(8)",
        about="the cost of communication",
        says=r"$c^{comm} = a (\frac{\delta}{1 - \epsilon})^2 + b \frac{\delta}{1 - \epsilon} + z$, where the fraction "
        '"presents the energy consumed accounting for transmission losses".',
        instead=r"$\delta$ is the CPU frequency, as everywhere else; or the energy of sending, which is power times "
        "the time (9) and grows with the size of the model.",
        why="For twice the model, a cost that depends on the frequency stays as it is.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda delta, **_: (
            sending_cost(delta, 1e-20, 2e-10, 0.01, 0.05) / sending_cost(delta, 1e-20, 2e-10, 0.01, 0.05)
        ),
        correct=lambda power, bits, rate, **_: (power * 2 * bits / rate) / (power * bits / rate),
        at={"delta": 9e8, "power": 0.1, "bits": 10.0, "rate": 5.0},
        labels=("energy for twice the model, by the frequency", "by the time of sending"),
    ),
    Record(
        paper="gfml",
        where="(8)",
        about="its coefficients",
        says=r"$a$, $b$, $z$ and $\epsilon$ are coefficients, with $c^{comm} \ll c^{comp}$ assumed.",
        instead=r"Table II does not have them. The toolkit takes 0; else $\delta^0 = "
        r"\frac{s I / \Delta - b / (1 - \epsilon)}{2 (\rho \zeta W + a / (1 - \epsilon)^2)}$.",
        why=r"At $10^9$ Hz the assumption needs $b \ll 7 \cdot 10^{-10}$; already $b = 2 \cdot 10^{-10}$ lowers "
        "the best frequency by a sixth.",
        verdict=Verdict.UNSPECIFIED,
        printed=answer,
        correct=lambda share, prize, work, width, **_: answer(0.0, 0.0, share, prize, work, width),
        at={"b": 2e-10, "lost": 0.05, "share": 1 / 9, "prize": 12.0, "work": 7.2e9, "width": 9.9e8},
        labels=("with b", "with 0"),
    ),
    Record(
        paper="gfml",
        where="(9)",
        about="the time of communication",
        says=r"$T^{comm} = W / B$.",
        why="At rates that change a hundred times a second the last piece is sent after that time.",
        verdict=Verdict.RIGHT,
        printed=lambda bits, rates: bits * len(rates) / sum(rates),
        correct=sent_after,
        at={"bits": 14.0, "rates": (5.0, 6.0, 8.0, 9.0)},
    ),
    Record(
        paper="gfml",
        where="(9)",
        about="the unit of the rate",
        says="$B$ is a mean transmission rate; Table II gives it as 5 to 10 MHz.",
        instead="5 to 10 Mb/s, so that sending takes one to two seconds.",
        why="As a bandwidth of 5 MHz it would need a signal-to-noise ratio, which is not given; at 10 dB the time "
        "would be 0.58 s.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda bits, rate, **_: bits / rate,
        correct=shannon,
        at={"bits": 10.0, "rate": 5.0, "decibels": 10.0},
        labels=("as 5 Mb/s", "as a bandwidth"),
    ),
)
