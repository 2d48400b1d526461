"""Algorithm 2 of the dual-game paper, corrected: federated meta-learning, round after round, under a framework."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from models.data import Dataset, User, federation
from models.fml import (
    Diverged,
    Learning,
    Network,
    Scores,
    aggregate,
    batches,
    embedding,
    evaluate,
    initial,
    local_update,
    meta_batches,
    on_device,
    personalise,
)
from models.gfml._devices import devices
from models.gfml._games import Formed, contributions, form, settle
from models.gfml._incentives import Certify, Outcome
from models.gfml._pages import OpenBook, check_book, page_of
from models.gfml._parameters import Parameters
from models.gfml._record import Round, weakest
from models.gfml._rules import Situation
from models.gfml._state import State, read
from models.gfml.baselines import FRAMEWORKS, Framework
from models.reputation import Record, ReputationState, similarity
from solvers._messages import quoted, suggestion
from solvers.core import Array, InvalidGame, Positions
from solvers.hedonic import Partition

if TYPE_CHECKING:
    import torch

DEALING, DEVICES, MODEL, RULES, LEARNING, EMBEDDING, PERSONAL = range(7)  # streams of random numbers of one seed


class Experiment:
    """Federated meta-learning of the users of a data set, under a framework.

    Everything random follows from `seed`; what does not depend on the framework (who holds which samples, devices, the
    first model, batches) is the same under all frameworks, so that runs can be compared in pairs. `certify` is
    `verification.certify`, or a function like it, and judges whatever the games claim. With a `ledger`, a function of
    the users' names and λ that returns one, each round is recorded there, and reputations are those read back from it.

    Four bugs of the printed Algorithm 2 are corrected: embeddings are made anew in every χ-th round (its counter n runs
    with every round), heads are chosen before coalitions form and with present embeddings, users start from their
    head's model (line 19 has their own last one, so that (5) would be for nothing), and there are τ steps.

    Raises
    ------
    InvalidGame
        If the framework is unknown, the data cannot be dealt out so, or a class count does not fit.
    NotSolved
        If PyTorch is missing.

    References
    ----------
    Baccour, Erbad, Mohamed, Hamdi, Guizani: A Blockchain-Based Reliable Federated Meta-Learning for Metaverse: A Dual
    Game Framework, IEEE IoT Journal 11(12), 2024, Algorithms 1 and 2, section VI.

    Examples
    --------
    >>> from models.data import digits
    >>> from verification import certify
    >>> parameters = Parameters(users=8, coalitions=2, steps=2, batch=8)
    >>> experiment = Experiment(digits(), "gfml", parameters, certify=certify, seed=1)
    >>> state, record = experiment.play(experiment.start())
    >>> record.round, record.certificate.holds
    (1, True)
    """

    def __init__(
        self,
        dataset: Dataset,
        framework: str | Framework = "gfml",
        parameters: Parameters | None = None,
        *,
        certify: Certify,
        seed: int = 0,
        device: str = "cpu",
        threads: int = 1,
        ledger: OpenBook | None = None,
    ) -> None:
        self.framework = _framework(framework)
        self.parameters = parameters or Parameters()
        self.certify = certify
        self.seed = _seed(seed)
        p = self.parameters
        users = federation(dataset, p.users, p.classes_each, rng=self._rng(DEALING), passive=p.passive, test=p.test)
        self.active, self.passive = users.active, users.passive
        self.devices = devices(
            [len(user.train) for user in self.active], [user.name for user in self.active], p, rng=self._rng(DEVICES)
        )
        self.network = Network(dataset.images.shape[1], dataset.classes, p.hidden)
        self.samples = on_device(dataset.images, dataset.labels, device=device, threads=threads)
        self.learning = Learning(p.meta_rate, p.step_size, p.gradient)
        if ledger and p.tampered:
            raise InvalidGame("tampered must be false with a ledger, in which nobody can tamper")
        self.book = ledger(self.devices.names, p.forgetting) if ledger else None

    @property
    def coalitions(self) -> int:
        """How many coalitions there are."""
        return 1 if self.framework.coalitions.single else self.parameters.coalitions

    def start(self) -> State:
        """The state before the first round: one model everywhere, no reputations, no coalitions.

        Users expect the highest price, and compute as fast as they can, until they know better.
        """
        model = initial(self.network, self.samples, rng=self._rng(MODEL))
        m, n = self.coalitions, len(self.active)
        return State(
            round=0,
            models=model.expand(m, -1).clone(),
            slots=None,
            heads=None,
            prices=np.full(m, self.parameters.incentives[1]),
            frequencies=np.full(n, self.devices.fastest),
            embeddings=None,
            origin=self._origin(),
            reputation=self._no_reputations(),
        )

    def restore(self, data: bytes) -> State:
        """The state that `State.to_bytes` wrote; what is played on from there has the same bits.

        Raises
        ------
        InvalidGame
            If the bytes are not of a state of this experiment.
        """
        state = read(data, self.start())
        if self.book is not None:
            check_book(self.book, state)
        return state

    def play(self, state: State) -> tuple[State, Round]:
        """One more round: the state after it, and what is known of it.

        Raises
        ------
        Diverged
            If a loss or a gradient is not finite; the message has the round and the user.
        """
        k = state.round + 1
        embeddings = self._embeddings(state, k)
        situation = self._situation(state, embeddings, k)
        formed = form(self.framework, situation, self.certify)
        outcomes = settle(self.framework, formed, self.devices, self.parameters, self.certify)
        models, norms = self._trained(state, outcomes, k)
        records = contributions(formed, outcomes, norms, self.devices, self.parameters.batch, round_number=k)
        reputation, refused = self._kept(state, formed, outcomes, records)
        after = State(
            round=k,
            models=models,
            slots=formed.partition.slots,
            heads=formed.heads,
            prices=_kept(state.prices, [outcome.price for outcome in outcomes]),
            frequencies=_frequencies(state, outcomes),
            embeddings=embeddings,
            origin=state.origin,
            reputation=reputation,
        )
        return after, replace(self._record(after, embeddings, formed, outcomes), refused=refused)

    # --- who is with whom ----------------------------------------------------------------------------------------

    def _embeddings(self, state: State, k: int) -> Array:
        """Those of all users by each coalition's model, (users, M, width); made anew in rounds 1, 1 + χ, 1 + 2 χ, .."""
        if state.embeddings is not None and (k - 1) % self.parameters.refresh:
            return state.embeddings
        users = [user.train for user in (*self.active, *self.passive)]
        chosen = batches(users, steps=1, size=self.parameters.batch, rng=self._rng(EMBEDDING, k))[:, 0]
        names = [user.name for user in (*self.active, *self.passive)]
        each = [
            embedding(self.network, model, self.samples, list(chosen), names=names, round_number=k)
            for model in state.models
        ]
        found = np.stack(each, axis=1)
        n = len(self.active)
        if self.parameters.centred and n > 1:
            found = found - found[:n].mean(axis=0)
        lost = np.flatnonzero(np.all(found == 0, axis=2).any(axis=1))
        if lost.size:
            raise Diverged(f"round {k}, {names[lost[0]]}: its embedding says nothing; lower the rates")
        return found

    def _situation(self, state: State, embeddings: Array, k: int) -> Situation:
        return Situation(
            devices=self.devices,
            parameters=self.parameters,
            partition=None if state.slots is None else Partition(state.slots),
            prices=state.prices,
            frequencies=state.frequencies,
            embeddings=embeddings[: len(self.active)],
            reputation=state.reputation,
            rng=self._rng(RULES, k),
        )

    # --- learning ------------------------------------------------------------------------------------------------

    def _trained(self, state: State, outcomes: Sequence[Outcome], k: int) -> tuple[torch.Tensor, Array]:
        """The coalitions' new models, and the lengths of the meta-gradients of who took part, (n, τ)."""
        p, n = self.parameters, len(self.active)
        norms = np.zeros((n, p.steps))
        part = np.concatenate([outcome.members for outcome in outcomes])
        models = state.models.clone()
        if not len(part):
            return models, norms
        own = [user.train for user in self.active]
        drawn = meta_batches(own, steps=p.steps, size=p.batch, rng=self._rng(LEARNING, k))
        taken = np.where(self.devices.misbehaving, p.lazy_steps, p.steps)
        labels = np.concatenate([np.full(len(outcome.members), j) for j, outcome in enumerate(outcomes)])
        update = local_update(
            self.network,
            state.models[labels],
            self.samples,
            drawn[part],
            self.learning,
            steps=taken[part],
            names=[self.devices.names[i] for i in part],
            round_number=k,
        )
        for j in np.unique(labels):
            models[j] = aggregate(update.models[labels == j])
        norms[part] = update.norms
        return models, norms

    def _no_reputations(self) -> ReputationState:
        if self.book is not None:
            return self.book.reputations(0)
        return ReputationState.start(len(self.active), forgetting=self.parameters.forgetting)

    def _kept(
        self, state: State, formed: Formed, outcomes: Sequence[Outcome], records: Sequence[Record]
    ) -> tuple[ReputationState, int | None]:
        """The reputations after the round, and how many attempts to tamper with them were refused, if that is known."""
        if self.book is None:
            return state.reputation.update(self._stored(records)), None
        written = self.book.write(page_of(state, formed, outcomes, records, self.devices, self.parameters))
        return written.reputation, written.refused

    def _stored(self, records: Sequence[Record]) -> list[Record]:
        """The records as they are kept: where users can tamper with them, those who misbehave claim the highest u."""
        if not self.parameters.tampered:
            return list(records)
        lazy = self.devices.misbehaving
        return [replace(record, training=1.0) if lazy[record.user] else record for record in records]

    # --- what came of it -----------------------------------------------------------------------------------------

    def _record(self, state: State, embeddings: Array, formed: Formed, outcomes: Sequence[Outcome]) -> Round:
        accuracy, personalised, loss, passive = self._scores(state, self._nearest(embeddings, formed))
        profits, left_out = np.zeros(len(self.active)), 1 - self.parameters.lazy_steps / self.parameters.steps
        for outcome in outcomes:
            saved = left_out * self.devices.energy[outcome.members] * outcome.frequencies**2
            profits[outcome.members] = outcome.profits + np.where(self.devices.misbehaving[outcome.members], saved, 0.0)
        names = self.devices.names
        return Round(
            round=state.round,
            accuracy=accuracy,
            personalised=personalised,
            loss=loss,
            passive=passive,
            times=np.array([outcome.times.max() if len(outcome.times) else np.nan for outcome in outcomes]),
            profits=profits,
            misbehaving=self.devices.misbehaving.tolist(),
            provider_utilities=np.array([outcome.provider for outcome in outcomes]),
            prices=np.array([outcome.price for outcome in outcomes]),
            heads=formed.heads.tolist(),
            coalitions=formed.partition.slots.tolist(),
            reputations=state.reputation.total,
            switches=formed.switches,
            cycling=formed.cycling,
            dropped=tuple((names[i], why) for outcome in outcomes for i, why in outcome.dropped),
            certificate=weakest([outcome.certificate for outcome in outcomes]),
            partition_certificate=formed.certificate,
        )

    def _scores(self, state: State, labels: Positions) -> tuple[float, dict[int, float], float, dict[int, float]]:
        """Accuracy of the heads' models, what active users make of them, their loss, and what passive users make.

        All personalise at once: the active users, and the passive ones as often as there are numbers of samples.
        """
        p, n = self.parameters, len(self.active)
        rng, counts = self._rng(PERSONAL, state.round), p.passive_samples if self.passive else ()
        users = [*self.active, *(user for _ in counts for user in self.passive)]
        own = [user.train for user in self.active]
        own += [rng.permutation(user.train)[:count] for count in counts for user in self.passive]
        drawn = batches(own, steps=max(p.personalisation), size=p.batch, rng=rng)
        models = state.models[np.concatenate([labels[:n], np.tile(labels[n:], len(counts))])]
        before = self._tested(models[:n], users[:n], state.round)
        personalised, losses, done = {}, [], 0
        for steps in p.personalisation:
            models = self._personal(models, drawn[:, done:steps], users, state.round)
            scores, done = self._tested(models[:n], users[:n], state.round), steps
            personalised[steps] = float(scores.accuracy.mean())
            losses.append(float(scores.loss.mean()))
        passive = {}
        if counts:
            found = self._tested(models[n:], users[n:], state.round).accuracy.reshape(len(counts), -1).mean(axis=1)
            passive = dict(zip(counts, found.tolist(), strict=True))
        return float(before.accuracy.mean()), personalised, losses[0], passive

    def _tested(self, models: torch.Tensor, users: Sequence[User], k: int) -> Scores:
        names = [user.name for user in users]
        return evaluate(self.network, models, self.samples, [user.test for user in users], names=names, round_number=k)

    def _personal(self, models: torch.Tensor, drawn: Positions, users: Sequence[User], k: int) -> torch.Tensor:
        names, rate = [user.name for user in users], self.parameters.step_size
        return personalise(self.network, models, self.samples, drawn, rate=rate, names=names, round_number=k)

    @staticmethod
    def _nearest(embeddings: Array, formed: Formed) -> Positions:
        """Whose model each user has: its coalition's; of who is in none, and passive users, the most similar head's."""
        nearest = np.argmax(similarity(embeddings, formed.heads), axis=1)
        inside = np.flatnonzero(formed.partition.slots != Partition.OUT)
        nearest[inside] = formed.partition.slots[inside]
        return np.asarray(nearest)

    def _origin(self) -> str:
        """By which a state is known to be of this experiment."""
        facts = [self.framework.name, self.seed, len(self.samples.labels), self.parameters.document()]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def _rng(self, stream: int, k: int = 0) -> np.random.Generator:
        return np.random.default_rng([self.seed, stream, k])


def play(experiment: Experiment, rounds: int, state: State | None = None) -> Iterator[tuple[State, Round]]:
    """Round after round, from `state` or the start, until `rounds` of them are played.

    Examples
    --------
    >>> from models.data import digits
    >>> from verification import certify
    >>> parameters = Parameters(users=8, coalitions=2, steps=2, batch=8)
    >>> experiment = Experiment(digits(), "random-random", parameters, certify=certify)
    >>> [record.round for _, record in play(experiment, 2)]
    [1, 2]
    """
    state = state or experiment.start()
    while state.round < rounds:
        state, record = experiment.play(state)
        yield state, record


def _framework(framework: str | Framework) -> Framework:
    if isinstance(framework, Framework):
        return framework
    if framework not in FRAMEWORKS:
        hint = suggestion(str(framework), FRAMEWORKS)
        raise InvalidGame(f"{quoted(str(framework))} is not a framework; {hint}")
    return FRAMEWORKS[framework]


def _seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InvalidGame(f"seed must be an integer >= 0, got {seed!r}")
    return seed


def _kept(before: Array, prices: Sequence[float]) -> Array:
    """The prices, the last one where a coalition was idle."""
    now = np.array(prices)
    return np.where(np.isnan(now), before, now)


def _frequencies(state: State, outcomes: Sequence[Outcome]) -> Array:
    found = state.frequencies.copy()
    for outcome in outcomes:
        found[outcome.members] = outcome.frequencies
    return found
