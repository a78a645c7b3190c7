import pytest

from app.web.packets import HEADER_BYTES, Packet, PacketKind, pack, unpack


@pytest.mark.parametrize("kind", list(PacketKind))
def test_what_was_packed_comes_out_again(kind: PacketKind) -> None:
    assert unpack(pack(kind, b"payload", 2**32 - 1)) == Packet(kind, 2**32 - 1, b"payload")
    assert unpack(pack(kind, b"")) == Packet(kind, 0, b"")


@pytest.mark.parametrize("data", [b"", b"\x00\x00\x00", b"\xff\xd8\xff\xe0 a bare JPEG", bytes(HEADER_BYTES)])
def test_anything_else_is_no_packet(data: bytes) -> None:
    assert unpack(data) is None
