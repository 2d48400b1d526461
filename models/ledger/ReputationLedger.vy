# pragma version 0.4.3
# pragma evm-version cancun
"""
@title Reputations, coalitions and incentives of federated meta-learning
@notice A round: the provider recruits heads, a miner writes the coalitions down, each head records the contributions
    of its own coalition, the provider pays, and closes the round. What is recorded is not taken back.
@dev Numbers are fixed point, integers at 10**18. Users are indices from 0, rounds count from 1. Reputations forget
    lazily: a word holds a sum and the round in which it was last added to.
"""

struct Entry:
    user: uint256
    training: int256
    slack: int256

struct Payment:
    user: uint256
    competition: int256
    reputation: uint256

event Enrolled:
    user: indexed(uint256)
    account: indexed(address)
    name: String[64]

event Appointed:
    miner: address

event Dismissed:
    miner: address

event Recruited:
    round: indexed(uint256)
    heads: DynArray[uint256, COALITIONS]
    threshold: uint256
    reputation_incentive: uint256
    highest_price: uint256
    model: bytes32
    steps: uint256
    value: uint256

event Formed:
    round: indexed(uint256)
    prices: DynArray[uint256, COALITIONS]
    slots: Bytes[SLOTS]
    chain: bytes32

event Rejected:
    round: indexed(uint256)
    partition: bytes32

event Recorded:
    round: indexed(uint256)
    user: indexed(uint256)
    head: indexed(uint256)
    training: int256
    slack: int256
    contribution: uint256
    total: uint256
    direct: uint256
    leaf: uint256

event Paid:
    round: indexed(uint256)
    user: indexed(uint256)
    amount: uint256

event Closed:
    round: indexed(uint256)
    root: bytes32
    chain: bytes32

event Withdrawn:
    account: indexed(address)
    amount: uint256

event Reclaimed:
    amount: uint256

USERS: constant(uint256) = 65534
COALITIONS: constant(uint256) = 64
BATCH: constant(uint256) = 128
PAGE: constant(uint256) = 1024
SLOTS: constant(uint256) = 131072  # bytes, two for each user
OUT: constant(uint256) = 65535  # the slot of who is in no coalition
LANES: constant(uint256) = max_value(uint256) // OUT  # 1 in each of the 16 lanes of a word
DEPTH: constant(uint256) = 32

WAD: constant(uint256) = 10**18
FINE: constant(uint256) = 10**36  # for powers, so that only the last rounding is felt
LARGEST: constant(uint256) = 10**24
SHARE: constant(uint256) = 4 * 10**18
SLACK: constant(int256) = 10**27
LOW: constant(uint256) = 2**64 - 1

ONE: constant(int256) = 2**128  # for logarithms
ROOT: constant(uint256) = 1414213562373095048  # of 2
LN2: constant(int256) = 235865763225513294137944142764154484399  # ln 2 * 2**128
TERMS: constant(int256) = 16

CLOSED: constant(uint256) = 0
RECRUITED: constant(uint256) = 1
FORMED: constant(uint256) = 2

provider: public(immutable(address))
forgetting: public(immutable(uint256))
unit: public(immutable(uint256))

# the present round, or the last one
_round: uint256
_phase: uint256
threshold: public(uint256)
reputation_incentive: public(uint256)
highest_price: public(uint256)
model: public(bytes32)
steps: public(uint256)
_count: uint256  # of coalitions
_coalitions: uint256[COALITIONS]  # price << 16 | head
_slots: uint256[SLOTS // 32]  # 16 users in a word, the first on top, each OUT - slot, so that 0 is in none

_users: uint256
_accounts: address[USERS]
user_of: public(HashMap[address, uint256])  # index + 1, or 0
is_miner: public(HashMap[address, bool])

_totals: uint256[USERS]  # sum << 128 | round recorded << 64 | round paid
_direct: HashMap[uint256, uint256]  # user << 16 | head: sum << 64 | round recorded
_led: uint256[USERS]
_led_count: uint256
_has_led: HashMap[uint256, bool]

_leaves: uint256
_branch: bytes32[DEPTH]
_chain: bytes32
rejected: public(HashMap[bytes32, bool])

_payments: uint256  # in this round
escrow: public(uint256)
credit: public(HashMap[address, uint256])


@deploy
def __init__(_forgetting: uint256, _unit: uint256):
    """
    @param _forgetting What a round's contributions count in the next, at most 10**18
    @param _unit Wei that 1 of a price or an incentive is
    """
    assert _forgetting <= WAD, "forgetting above 1"
    provider = msg.sender
    forgetting = _forgetting
    unit = _unit


# --- who takes part -----------------------------------------------------------------------------------------------


@external
def enroll(accounts: DynArray[address, BATCH], names: DynArray[String[64], BATCH]):
    """
    @notice Adds users, between rounds. Their indices follow on
    """
    self._only_provider()
    assert self._phase == CLOSED, "a round is open"
    assert len(accounts) == len(names), "one name per account"
    user: uint256 = self._users
    assert user + len(accounts) <= USERS, "too many users"
    for i: uint256 in range(len(accounts), bound=BATCH):
        account: address = accounts[i]
        assert account != empty(address), "zero account"
        assert self.user_of[account] == 0, "enrolled twice"
        self._accounts[user] = account
        log Enrolled(user=user, account=account, name=names[i])
        user += 1
        self.user_of[account] = user
    self._users = user


@external
def appoint(miner: address):
    """
    @notice Makes an account a miner; one that is a miner already stays one
    """
    self._only_provider()
    assert miner != empty(address), "zero account"
    if not self.is_miner[miner]:
        self.is_miner[miner] = True
        log Appointed(miner=miner)


@external
def dismiss(miner: address):
    """
    @notice Takes the role of a miner away
    """
    self._only_provider()
    assert self.is_miner[miner], "not a miner"
    self.is_miner[miner] = False
    log Dismissed(miner=miner)


# --- a round ------------------------------------------------------------------------------------------------------


@external
@payable
def recruit(
    round: uint256,
    heads: DynArray[uint256, COALITIONS],
    threshold: uint256,
    reputation_incentive: uint256,
    highest_price: uint256,
    model: bytes32,
    steps: uint256,
):
    """
    @notice Opens the next round; what is paid in joins the escrow
    @param heads The users that lead, by coalition
    @param model A hash of the models that users start from
    """
    self._only_provider()
    assert self._phase == CLOSED, "a round is open"
    assert round == self._round + 1, "not the next round"
    assert len(heads) != 0, "no heads"
    assert max(threshold, max(reputation_incentive, highest_price)) <= LARGEST, "incentive too large"
    users: uint256 = self._users
    led: uint256 = self._led_count
    seen: DynArray[uint256, COALITIONS] = []
    for head: uint256 in heads:
        assert head < users, "unknown user"
        assert head not in seen, "head twice"
        self._coalitions[len(seen)] = head
        seen.append(head)
        if not self._has_led[head]:
            self._has_led[head] = True
            self._led[led] = head
            led += 1
    self._led_count = led
    self._count = len(heads)
    self._round = round
    self._phase = RECRUITED
    self.threshold = threshold
    self.reputation_incentive = reputation_incentive
    self.highest_price = highest_price
    self.model = model
    self.steps = steps
    self.escrow += msg.value
    self._payments = 0
    log Recruited(
        round=round,
        heads=heads,
        threshold=threshold,
        reputation_incentive=reputation_incentive,
        highest_price=highest_price,
        model=model,
        steps=steps,
        value=msg.value,
    )


@external
def form(round: uint256, prices: DynArray[uint256, COALITIONS], slots: Bytes[SLOTS]):
    """
    @notice Writes down who is in which coalition, and what each coalition's work is worth
    @param slots Two bytes for each user, big endian: the coalition, or 0xFFFF for none
    """
    self._only_miner()
    self._must_be_open(round)
    assert self._phase == RECRUITED, "formed already"
    count: uint256 = self._count
    users: uint256 = self._users
    assert len(prices) == count, "one price per head"
    assert len(slots) == 2 * users, "one slot per user"
    highest: uint256 = self.highest_price
    for i: uint256 in range(len(prices), bound=COALITIONS):
        assert prices[i] <= highest, "price too high"
        self._coalitions[i] |= prices[i] << 16
    full: uint256 = users // 16
    for i: uint256 in range(full, bound=SLOTS // 32):
        self._place(i, extract32(slots, 32 * i, output_type=uint256), count)
    if 16 * full < users:
        word: uint256 = max_value(uint256)
        for i: uint256 in range(users - 16 * full, bound=15):
            slot: uint256 = convert(slice(slots, 32 * full + 2 * i, 2), uint256)
            word ^= (OUT - slot) << (240 - 16 * i)
        self._place(full, word, count)
    self._phase = FORMED
    link: bytes32 = keccak256(concat(self._chain, convert(round, bytes32), keccak256(slots)))
    self._chain = link
    log Formed(round=round, prices=prices, slots=slots, chain=link)


@external
def reject(round: uint256, partitions: DynArray[bytes32, BATCH]):
    """
    @notice Keeps the hashes of partitions that did not last; one that is kept already is left as it is
    """
    self._only_miner()
    self._must_be_open(round)
    for partition: bytes32 in partitions:
        if not self.rejected[partition]:
            self.rejected[partition] = True
            log Rejected(round=round, partition=partition)


@external
def record(round: uint256, coalition: uint256, entries: DynArray[Entry, BATCH]):
    """
    @notice Adds contributions to reputations, each once a round, by the head of the coalition alone
    @param entries User, what it contributed to the training in [-1, 1], and seconds left to the deadline
    """
    self._must_be_formed(round)
    assert coalition < self._count, "unknown coalition"
    head: uint256 = self._coalitions[coalition] & OUT
    assert msg.sender == self._accounts[head], "not the head"
    users: uint256 = self._users
    leaf: uint256 = self._leaves
    for entry: Entry in entries:
        assert entry.user < users, "unknown user"
        assert self._slot(entry.user) == coalition, "not in this coalition"
        total: uint256 = self._totals[entry.user]
        recorded: uint256 = (total >> 64) & LOW
        assert recorded != round, "recorded already"
        assert -convert(WAD, int256) <= entry.training and entry.training <= convert(WAD, int256), "training out of range"
        assert entry.slack >= 0, "negative slack"
        assert entry.slack <= SLACK, "slack too large"
        gained: uint256 = self._contribution(entry.training, entry.slack)

        # Below 2**128 as a round adds at most 41.5 * 10**18.
        paid: uint256 = total & LOW
        total = self._decayed(total >> 128, round - recorded) + gained
        self._totals[entry.user] = total << 128 | round << 64 | paid

        key: uint256 = entry.user << 16 | head
        direct: uint256 = self._direct[key]
        direct = self._decayed(direct >> 64, round - (direct & LOW)) + gained
        self._direct[key] = direct << 64 | round

        self._append(
            leaf, keccak256(abi_encode(round, entry.user, head, entry.training, entry.slack, gained))
        )
        log Recorded(
            round=round,
            user=entry.user,
            head=head,
            training=entry.training,
            slack=entry.slack,
            contribution=gained,
            total=total,
            direct=direct,
            leaf=leaf,
        )
        leaf += 1
    self._leaves = leaf


@external
def pay(round: uint256, payments: DynArray[Payment, BATCH]):
    """
    @notice Credits users with a contribution in this round, each once, out of the escrow
    @param payments User, its share of its coalition's price, which may be negative, and of the reputation incentive;
        who would have to pay gets nothing
    """
    self._only_provider()
    self._must_be_formed(round)
    users: uint256 = self._users
    escrow: uint256 = self.escrow
    incentive: uint256 = self.reputation_incentive
    for payment: Payment in payments:
        assert payment.user < users, "unknown user"
        total: uint256 = self._totals[payment.user]
        assert (total >> 64) & LOW == round, "no contribution"
        assert total & LOW != round, "paid already"
        assert payment.reputation <= SHARE, "share too large"
        most: int256 = convert(SHARE, int256)
        assert -most <= payment.competition and payment.competition <= most, "share too large"
        price: int256 = convert(self._coalitions[self._slot(payment.user)] >> 16, int256)
        worth: int256 = payment.competition * price + convert(payment.reputation * incentive, int256)
        amount: uint256 = convert(max(worth, 0), uint256) * unit // FINE
        assert amount <= escrow, "escrow too small"
        escrow -= amount
        self._totals[payment.user] = total & ~LOW | round
        self.credit[self._accounts[payment.user]] += amount
        log Paid(round=round, user=payment.user, amount=amount)
    self.escrow = escrow
    self._payments += len(payments)


@external
def close(round: uint256, leaves: uint256, payments: uint256):
    """
    @notice Ends the round; what comes after is late
    @param leaves How many contributions there must be by now, of all rounds
    @param payments How many payments there must be in this round; with these, it cannot end before what is on its way
    """
    self._only_provider()
    self._must_be_formed(round)
    assert self._leaves == leaves, "contributions missing"
    assert self._payments == payments, "payments missing"
    self._phase = CLOSED
    log Closed(round=round, root=self._root(), chain=self._chain)


# --- money --------------------------------------------------------------------------------------------------------


@external
def withdraw():
    """
    @notice Pays out the sender's credit
    """
    amount: uint256 = self.credit[msg.sender]
    assert amount != 0, "nothing to withdraw"
    self.credit[msg.sender] = 0
    log Withdrawn(account=msg.sender, amount=amount)
    raw_call(msg.sender, b"", value=amount)


@external
def reclaim(amount: uint256):
    """
    @notice Gives the provider back what it has promised to nobody, between rounds
    """
    self._only_provider()
    assert self._phase == CLOSED, "a round is open"
    assert amount <= self.escrow, "escrow too small"
    self.escrow -= amount
    log Reclaimed(amount=amount)
    raw_call(msg.sender, b"", value=amount)


# --- views --------------------------------------------------------------------------------------------------------


@external
@view
def status() -> (uint256, uint256, uint256, uint256, uint256):
    """
    @return The last round, its phase (0 closed, 1 recruited, 2 formed), and the numbers of users, of contributions,
        and of users that ever led
    """
    return self._round, self._phase, self._users, self._leaves, self._led_count


@external
@view
def account(user: uint256) -> address:
    """
    @return The account of a user
    """
    assert user < self._users, "unknown user"
    return self._accounts[user]


@external
@view
def accounts(start: uint256, count: uint256) -> DynArray[address, PAGE]:
    """
    @return The accounts of users, as many as there are
    """
    found: DynArray[address, PAGE] = []
    for i: uint256 in range(self._length(start, count, self._users), bound=PAGE):
        found.append(self._accounts[start + i])
    return found


@external
@view
def head(coalition: uint256) -> uint256:
    """
    @return The user that leads a coalition of the last round
    """
    assert coalition < self._count, "unknown coalition"
    return self._coalitions[coalition] & OUT


@external
@view
def heads() -> DynArray[uint256, COALITIONS]:
    """
    @return The users that lead the coalitions of the last round
    """
    found: DynArray[uint256, COALITIONS] = []
    for i: uint256 in range(self._count, bound=COALITIONS):
        found.append(self._coalitions[i] & OUT)
    return found


@external
@view
def prices() -> DynArray[uint256, COALITIONS]:
    """
    @return What the work of each coalition of the last round is worth; nothing until it is formed
    """
    found: DynArray[uint256, COALITIONS] = []
    if self._phase != RECRUITED:
        for i: uint256 in range(self._count, bound=COALITIONS):
            found.append(self._coalitions[i] >> 16)
    return found


@external
@view
def slot(user: uint256) -> uint256:
    """
    @return The coalition of a user in the last round, 65535 for none and until it is formed
    """
    assert user < self._users, "unknown user"
    return OUT if self._phase == RECRUITED else self._slot(user)


@external
@view
def led(start: uint256, count: uint256) -> DynArray[uint256, PAGE]:
    """
    @return The users that ever led, in the order in which they first did, as many as there are
    """
    found: DynArray[uint256, PAGE] = []
    for i: uint256 in range(self._length(start, count, self._led_count), bound=PAGE):
        found.append(self._led[start + i])
    return found


@external
@view
def reputations(start: uint256, count: uint256) -> DynArray[uint256, PAGE]:
    """
    @return The global reputations of users after the last round, as many as there are
    """
    found: DynArray[uint256, PAGE] = []
    round: uint256 = self._round
    for i: uint256 in range(self._length(start, count, self._users), bound=PAGE):
        total: uint256 = self._totals[start + i]
        found.append(self._decayed(total >> 128, round - ((total >> 64) & LOW)))
    return found


@external
@view
def direct(head: uint256, start: uint256, count: uint256) -> DynArray[uint256, PAGE]:
    """
    @return What users have of their reputations under a user as the head, after the last round, as many as there are
    """
    assert head < self._users, "unknown user"
    found: DynArray[uint256, PAGE] = []
    round: uint256 = self._round
    for i: uint256 in range(self._length(start, count, self._users), bound=PAGE):
        direct: uint256 = self._direct[(start + i) << 16 | head]
        found.append(self._decayed(direct >> 64, round - (direct & LOW)))
    return found


@external
@view
def marks(start: uint256, count: uint256) -> DynArray[uint256, PAGE]:
    """
    @return For each user, the round it was last recorded in << 64 | the round it was last paid for
    """
    found: DynArray[uint256, PAGE] = []
    for i: uint256 in range(self._length(start, count, self._users), bound=PAGE):
        found.append(self._totals[start + i] & (2**128 - 1))
    return found


@external
@view
def root() -> bytes32:
    """
    @return The root of the Merkle tree of all contributions
    """
    return self._root()


@external
@view
def chain() -> bytes32:
    """
    @return The hash in which all formed coalitions are
    """
    return self._chain


# --- checks -------------------------------------------------------------------------------------------------------


@internal
@view
def _only_provider():
    assert msg.sender == provider, "not the provider"


@internal
@view
def _only_miner():
    assert self.is_miner[msg.sender], "not a miner"


@internal
@view
def _must_be_open(round: uint256):
    assert round <= self._round, "not this round"
    assert round == self._round and self._phase != CLOSED, "late"


@internal
@view
def _must_be_formed(round: uint256):
    self._must_be_open(round)
    assert self._phase == FORMED, "not formed"


# --- coalitions ---------------------------------------------------------------------------------------------------


@internal
@view
def _slot(user: uint256) -> uint256:
    return OUT - ((self._slots[user >> 4] >> (240 - 16 * (user & 15))) & OUT)


@internal
def _place(index: uint256, word: uint256, count: uint256):
    """
    @dev Checks 16 slots at once. The lanes with the top bit set must be OUT; adding 2**15 - count to the others must
        not set it.
    """
    out: uint256 = ((word >> 15) & LANES) * OUT
    known: bool = word & out == out and ((word ^ out) + LANES * (2**15 - count)) & (LANES << 15) == 0
    assert known, "unknown coalition"
    self._slots[index] = ~word


@internal
@view
def _length(start: uint256, count: uint256, end: uint256) -> uint256:
    return min(min(count, PAGE), end - min(start, end))


# --- arithmetic ---------------------------------------------------------------------------------------------------


@internal
@pure
def _contribution(training: int256, slack: int256) -> uint256:
    """
    @notice (1 + training) * ln(1 + slack), rounded to the nearest; off by at most 0.50000001 units of 10**-18
    @dev With x = 1 + slack and b the power of two for which x / b is in [1/sqrt 2, sqrt 2], ln x is
        ln b + 2 * (z + z**3/3 + ... + z**31/31), z = (x - b) / (x + b), up to 4 * 10**-27, all at 2**128.
    """
    x: uint256 = WAD + convert(slack, uint256)
    k: uint256 = 0
    for step: uint256 in [16, 8, 4, 2, 1]:
        if x >> (k + step) >= WAD:
            k += step
    if x > ROOT << k:
        k += 1
    above: int256 = convert(x, int256)
    b: int256 = convert(WAD << k, int256)
    z: int256 = unsafe_div(unsafe_mul(unsafe_sub(above, b), ONE), unsafe_add(above, b))
    square: int256 = unsafe_mul(z, z) >> 128
    series: int256 = 0
    odd: int256 = 2 * TERMS - 1
    for i: int256 in range(TERMS):
        series = unsafe_add(unsafe_div(ONE, odd), unsafe_mul(series, square) >> 128)
        odd = unsafe_sub(odd, 2)
    logarithm: int256 = unsafe_add(unsafe_mul(convert(k, int256), LN2), unsafe_mul(z, series) >> 127)
    product: int256 = (convert(WAD, int256) + training) * logarithm
    return convert((product + ONE // 2) >> 128, uint256)


@internal
@view
def _decayed(amount: uint256, rounds: uint256) -> uint256:
    """
    @notice What is left of a sum after some rounds, rounded to the nearest
    @dev The power, by squaring, is off by at most `rounds` units of 10**-36.
    """
    if amount == 0 or rounds == 0:
        return amount
    power: uint256 = FINE
    factor: uint256 = forgetting * WAD
    left: uint256 = rounds
    for i: uint256 in range(64):
        if left & 1 == 1:
            power = (power * factor + FINE // 2) // FINE
        left >>= 1
        if left == 0:
            break
        factor = (factor * factor + FINE // 2) // FINE
    return (amount * power + FINE // 2) // FINE


# --- the Merkle tree, which only grows: the last full subtree of each height is kept --------------------------------


@internal
def _append(leaf: uint256, hash: bytes32):
    node: bytes32 = hash
    for height: uint256 in range(DEPTH):
        if (leaf >> height) & 1 == 0:
            self._branch[height] = node
            return
        node = keccak256(concat(self._branch[height], node))
    raise  # there is room for 2**32 - 1


@internal
@view
def _root() -> bytes32:
    node: bytes32 = empty(bytes32)
    nothing: bytes32 = empty(bytes32)
    leaves: uint256 = self._leaves
    for height: uint256 in range(DEPTH):
        if (leaves >> height) & 1 == 1:
            node = keccak256(concat(self._branch[height], node))
        else:
            node = keccak256(concat(node, nothing))
        nothing = keccak256(concat(nothing, nothing))
    return node
