"""Steps are taken back and done again, and what is kept for them stays bounded."""

from __future__ import annotations

from dataclasses import dataclass, field

from napari_fastsam.layers.history.history import History


@dataclass
class Append:
    """A step that writes a letter."""

    text: list[str]
    letter: str
    nbytes: int = 10
    name: str = field(default="a letter")

    def undo(self):
        assert self.text.pop() == self.letter

    def redo(self):
        self.text.append(self.letter)


def write(history, text, letters):
    for letter in letters:
        text.append(letter)
        history.push(Append(text, letter))


def test_steps_are_taken_back_newest_first_and_done_again():
    history, text = History(), []
    write(history, text, "abc")
    history.undo()
    history.undo()
    assert text == ["a"]
    history.redo()
    assert text == ["a", "b"]
    write(history, text, "x")
    assert history.redo() is None, "what was taken back is gone once something else was done"
    while history.undo():
        pass
    assert text == []
    assert history.undo() is None


def test_the_oldest_steps_go_first_and_the_newest_stays_whatever_its_size():
    history, text = History(most_steps=3, most_bytes=10**6), []
    write(history, text, "abcde")
    assert len(history) == 3
    history = History(most_bytes=25)
    write(history, text, "fgh")
    assert (len(history), history.nbytes) == (2, 20)
    history.push(Append(text, "h", nbytes=1000))
    assert len(history) == 1


def test_what_happens_while_a_step_is_replayed_makes_no_step():
    history, text = History(), ["a"]

    class Pushes(Append):
        def undo(self):
            super().undo()
            history.push(Append(text, "z"))

    history.push(Pushes(text, "a"))
    told = []
    history.replayed.connect(lambda: told.append(len(history)))
    history.undo()
    assert (len(history), told) == (0, [0])
