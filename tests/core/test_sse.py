"""Event streams, written and read."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from binderhub_ext.core.progress import Event, Phase
from binderhub_ext.core.sentences import Sentence
from binderhub_ext.core.sse import KEEPALIVE, Parser, message

DATA = st.dictionaries(st.text(), st.text() | st.integers())
SENTENCES = st.text().map(Sentence) | st.builds(
    lambda words, field: Sentence(f"{words}: {{field}}", field=field),
    st.text(st.characters(exclude_characters="{}")),
    st.text() | st.integers(),
)
EVENTS = st.lists(st.builds(Event, st.sampled_from(Phase), SENTENCES, DATA), max_size=5)


@given(EVENTS, st.lists(st.integers(1, 40), min_size=1))
def test_what_is_written_is_read_back_however_it_is_cut(events, cuts):
    stream = b"".join(KEEPALIVE + message(e.encoded, name=str(n)) for n, e in enumerate(events, 1))
    parser, found, rest = Parser(), [], stream
    for cut in cuts * len(stream):
        if not rest:
            break
        found += parser.feed(rest[:cut])
        rest = rest[cut:]
    assert found == [event.to_dict() for event in events]


def test_the_hubs_own_stream():
    parser = Parser()
    assert parser.feed(b'\n\ndata: {"progress": 0, "mess') == []
    assert parser.feed(b'age": "Server requested"}\n\n\n\n') == [
        {"progress": 0, "message": "Server requested"}
    ]
    assert parser.feed(b'data: {"ready": true}\r\n\r\n') == [{"ready": True}]


@pytest.mark.parametrize(
    "data", [b"data: nonsense\n\n", b"data: []\n\n", b"data: " + b"[" * 100_000 + b"\n\n"]
)
def test_what_is_not_an_object_is_refused(data):
    with pytest.raises(ValueError, match=r"."):
        Parser().feed(data)


def test_a_message_without_end_is_refused_and_takes_no_time():
    parser, began = Parser(), time.process_time()
    with pytest.raises(ValueError, match="too long"):
        for _ in range(200_000):
            parser.feed(b"x" * 100)
    assert time.process_time() - began < 5


def test_an_event_is_one_line_and_is_encoded_once():
    event = Event(Phase.BUILDING, Sentence("two\nlines"), {"step": "image"})
    assert event.encoded is event.encoded
    assert message(event.encoded, name="7") == (
        b'id: 7\ndata: {"phase": "building", "message": "two\\nlines\\n", "step": "image"}\n\n'
    )
