"""Passwords that guessers try first, found by how they are made.

Every password here has at least 15 characters, so a plain list of popular ones (which are
short) would never match. What people do to reach a length is known, too: they repeat a word,
join two, walk along the keyboard, count, and add digits. Those constructions are refused.
"""

from functools import lru_cache
from typing import Final

from chalicelib.kernel.errors import Invalid

_WORDS: Final = frozenset(
    """
    abc abcd access account admin administrator alexander amazon and andrew angel angels anthony
    apple arsenal asdf asdfg asdfgh asdfghjkl ashley austin autumn baby babygirl badger bailey
    banana barcelona baseball basketball batman battery beautiful bismillah blahblah blink
    buster butterfly changeit changeme charlie cheese chelsea chicken chocolate chris computer
    cookie correct customer daniel december default diamond dolphin donald dragon eminem england
    everton facebook family firefox fish flower football for forever freedom friend friends
    fuckyou garfield gateway george ginger google guest hallo hannah harley heaven hello
    helloworld hockey horse house hunter iceman iloveyou internet is jackson january jasmine
    jennifer jessica jesus jordan joshua july june justin killer killme kitten lalala letmein
    linkedin liverpool login london longpassword love lovely loveme lover loveyou lucky maggie
    manager manchester march marina martin master matrix matthew maverick me mercedes merlin
    michael michelle mickey microsoft monday money monkey morgan mother mustang my mypassword
    naruto newyork nicole ninja nirvana not november october office orange our pa55word parola
    pass passphrase passw passwd password passwort peaches peanut pepper phoenix please pokemon
    princess purple qazwsx qwer qwert qwerty qwertyuiop rainbow ranger richard robert rockyou
    root rosebud samantha samsung sandra saturday secret secure security september server
    service shadow shop silver slipknot snoopy soccer softball souk soukexample sparky spiderman
    spring staple starwars steven student sues summer sunday sunshine superman supersecret
    superuser support sweet system taylor tequila test tester testing the thomas thunder tigger
    tinkerbell trustno tweety twitter user username victoria welcome whatever william windows
    winter wizard wonderland word yankees yellow you zaq zaqwsx zxcv zxcvb zxcvbn zxcvbnm
    """.split()
)
_SUBSTITUTES: Final = str.maketrans("013457@$!|", "oleastasii")
_WALKS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "0123456789" * 4,
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
)
_WALK_MIN: Final = 3
_DISTINCT_WORDS_MAX: Final = 2
_PERIOD_MAX: Final = 8
_WORD_LENGTH_MAX: Final = 16
_CORE_MIN: Final = 5
# People pad up to a required length; nobody's list goes on for longer than this.
_LISTED_LENGTH_MAX: Final = 64


def require_uncommon(password: str, email: str, *, field: str = "password") -> None:
    """Invalid `password_common` if guessers would try this password early for this address."""
    folded = password.casefold()
    if folded == email.casefold() or is_common(folded):
        raise Invalid.field(field, "password_common", "This password is among those tried first.")


def is_common(password: str) -> bool:
    """Whether a password is a repetition, a walk, or at most two common words."""
    if len(password) > _LISTED_LENGTH_MAX:
        return False
    folded = password.casefold()
    readings = {folded, folded.translate(_SUBSTITUTES), folded.translate({ord("1"): "i"})}
    return _is_repeated(folded) or any(_is_made_of_common_parts(one) for one in readings)


def _is_repeated(password: str) -> bool:
    """One short piece again and again; the last may be cut off."""
    for period in range(1, _PERIOD_MAX + 1):
        piece = password[:period]
        times = len(password) // period + 1
        if len(password) >= 2 * period and password == (piece * times)[: len(password)]:
            return True
    half = len(password) // 2
    return password[:half] == password[half:]


def _is_made_of_common_parts(password: str) -> bool:
    """Whether walks and at most two different common words make up all but the ends.

    Digits and punctuation before and after are the first thing that people add; within, they
    count as an effort.
    """
    core = password.strip("0123456789 !\"#$%&'()*+,-./:;<=>?@[]^_`{|}~")
    # Each state is how far the reading got, and which words it met so far.
    seen: set[tuple[int, frozenset[str]]] = set()
    waiting: list[tuple[int, frozenset[str]]] = [(0, frozenset())]
    text = core if len(core) >= _CORE_MIN else password
    while waiting:
        state = waiting.pop()
        if state in seen:
            continue
        seen.add(state)
        if state[0] == len(text):
            return True
        waiting.extend(_continued(text, *state))
    return False


def _continued(text: str, start: int, words: frozenset[str]) -> list[tuple[int, frozenset[str]]]:
    """How the reading may go on from `start`: along a walk, or by a word."""
    reached = []
    for end in range(start + _WALK_MIN, len(text) + 1):
        if not _is_walk(text[start:end]):
            break
        reached.append((end, words))
    for end in range(start + 1, min(len(text), start + _WORD_LENGTH_MAX) + 1):
        word = text[start:end]
        if word in _WORDS and len(words | {word}) <= _DISTINCT_WORDS_MAX:
            reached.append((end, words | {word}))
    return reached


@lru_cache(maxsize=1024)
def _is_walk(piece: str) -> bool:
    """Along the keyboard, the alphabet or the numbers, either way, or one character again."""
    if len(set(piece)) == 1:
        return True
    return any(piece in walk or piece[::-1] in walk for walk in _WALKS)
