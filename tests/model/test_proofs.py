"""The prover of `make prove` is awake: it proves what holds, refutes what does not, and sees that a lemma says nothing."""

import pytest

from plimsoll.toolchain import prove
from plimsoll.toolchain.lemmas import FOLDER, PROVED, REFUTED, UNKNOWN, Verdict, lemmas


def lemma(file, name):
    return next(one for one in lemmas(FOLDER / file) if one.name == name)


def test_false_lemma_is_refuted_with_a_counterexample():
    verdict = prove.prove(lemma("False.sol", "FalseUpIsExact"), 120)
    assert verdict.result == REFUTED and "Counterexample" in verdict.said
    assert prove.as_due(verdict)


def test_true_lemma_is_proved():
    assert prove.prove(lemma("Rounding.sol", "DivUpNeverWraps"), 120).result == PROVED


def test_lemma_that_no_input_reaches_is_not_proved():
    true = lemma("Rounding.sol", "DivUpNeverWraps")
    empty, doubted = ({path: text.replace("d > 0", "d < 0") for path, text in part.items()} for part in true[3:])
    assert prove.prove(true._replace(sources=empty, doubted=doubted), 120).result == UNKNOWN


def test_lemma_in_too_little_time_is_unknown():
    assert prove.prove(lemma("Rounding.sol", "DivUpNeverWraps"), 0.01).result == UNKNOWN


def test_lemma_sees_the_library_but_not_what_it_does_not_reach():
    text = lemma("Rounding.sol", "DivUpNeverWraps").sources["contracts/libraries/FixedPointMath.sol"]
    assert "function divUp(uint256 x, uint256 d)" in text and "mulDivDown(" not in text


@pytest.mark.parametrize("title, result, due", [("a", PROVED, True), ("a", UNKNOWN, False), ("False: a", PROVED, False)])
def test_only_what_must_be_refuted_may_be(title, result, due):
    assert prove.as_due(Verdict("A", title, result, "", 0.0)) is due
