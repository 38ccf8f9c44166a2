"""The soak in its short form (`make soak` is the long one)."""

from plimsoll import cli


def test_three_keepers_come_through_bad_days(tmp_path, capsys):
    code = cli.main(["keeper", "soak", "--minutes", "0.35", "--out", str(tmp_path / "soak")])
    said = capsys.readouterr().out
    assert code == 0, said
    for happened in ("killed in the middle of a send", "the node was stopped and started again", "liquidated exactly once"):
        assert happened in said
