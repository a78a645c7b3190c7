import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision import SourceOpenError
from vision.sources.playlist import Variant, is_playlist_type, pick_variant, read_playlist

HOME = "https://cam.example/live/list.m3u8"


def test_pieces_are_numbered_and_their_addresses_completed() -> None:
    text = (
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:17\n"
        '#EXT-X-MAP:URI="head.mp4"\n#EXTINF:3.5,title\na.m4s\n\n#EXTINF:4,\n/b.m4s?x=1\n'
    )
    playlist = read_playlist(text, HOME, "it")
    assert [(piece.number, piece.duration_s, piece.url) for piece in playlist.pieces] == [
        (17, 3.5, "https://cam.example/live/a.m4s"),
        (18, 4.0, "https://cam.example/b.m4s?x=1"),
    ]
    assert {piece.head_url for piece in playlist.pieces} == {"https://cam.example/live/head.mp4"}
    assert (playlist.is_over, playlist.target_s, playlist.variants) == (False, 4.0, ())


def test_a_list_that_ends_is_over() -> None:
    assert read_playlist("\ufeff#EXTM3U\r\n#EXTINF:1,\r\na.ts\r\n#EXT-X-ENDLIST\r\n", HOME, "it").is_over


def test_of_several_lists_the_best_that_is_not_needlessly_large_is_taken() -> None:
    text = "#EXTM3U\n" + "".join(
        f'#EXT-X-STREAM-INF:BANDWIDTH={rate},RESOLUTION=1x1,CODECS="a,b"\n{rate}.m3u8\n'
        for rate in (800_000, 5_000_000, 9_000_000)
    )
    variants = read_playlist(text, HOME, "it").variants
    assert pick_variant(variants) == Variant(url="https://cam.example/live/5000000.m3u8", bits_per_s=5_000_000)
    assert pick_variant(variants[2:]).bits_per_s == 9_000_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>",
        '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="key"\n#EXTINF:1,\na.ts\n',
        "#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:100@0\na.ts\n",
        '#EXTM3U\n#EXT-X-MAP:URI="a",BYTERANGE="1@0"\n',
    ],
)
def test_what_we_do_not_play_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(SourceOpenError) as failure:
        read_playlist(text, HOME, "it")
    assert failure.value.kind == "not_video"


def test_types_of_playlists_are_known() -> None:
    assert is_playlist_type("Application/vnd.apple.mpegurl") and not is_playlist_type("video/mp4")


@given(
    st.lists(
        st.sampled_from(
            ["#EXTINF:x", "#EXT-X-MAP:", "a", "#EXT-X-STREAM-INF:", "#EXTINF:-1", "#EXT-X-TARGETDURATION:nan"]
        )
    )
)
def test_any_list_is_read_or_refused(lines: list[str]) -> None:
    playlist = read_playlist("\n".join(["#EXTM3U", *lines]), HOME, "it")
    assert playlist.target_s > 0
    assert all(piece.duration_s >= 0 for piece in playlist.pieces)
