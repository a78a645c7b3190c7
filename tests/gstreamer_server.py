"""Run by Debian's Python, which has GStreamer: RTSP cameras that play given pictures over and over. No other imports.

In: one JSON object as the only argument (see `tests.gstreamer.GstreamerServer`, which starts this). Out: the line
"ready" on the standard output; then it serves until it is killed.
"""

import json
import mmap
import struct
import sys
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtspServer  # noqa: E402

ENCODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max={gop} ! rtph264pay name=pay0 pt=96 "
    "config-interval=1",
    "hevc": "x265enc tune=zerolatency speed-preset=ultrafast key-int-max={gop} log-level=none ! h265parse ! "
    "rtph265pay name=pay0 pt=96 config-interval=1",
    "mjpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
}


class Pictures:
    """Raw I420 pictures in a file, pushed into a stream at its rate; when each was pushed goes into another file."""

    def __init__(self, camera, appsrc):
        self.appsrc, self.number = appsrc, 0
        size = camera["width"] * camera["height"] * 3 // 2
        with open(camera["pictures"], "rb") as file:
            data = file.read()
        self.buffers = [data[start : start + size] for start in range(0, len(data), size)]
        self.times = None
        if camera["times"]:
            with open(camera["times"], "r+b") as file:
                self.times = mmap.mmap(file.fileno(), 0)
        GLib.timeout_add(round(1000 / camera["fps"]), self.push)

    def push(self):
        place = self.number % len(self.buffers)
        if self.times is not None:
            struct.pack_into("d", self.times, 8 * place, time.monotonic())
        self.number += 1
        return self.appsrc.emit("push-buffer", Gst.Buffer.new_wrapped(self.buffers[place])) == Gst.FlowReturn.OK


def factory_of(camera):
    encoder = ENCODERS[camera["codec"]].format(gop=camera["gop"])
    caps = "video/x-raw,format=I420,width={width},height={height},framerate={fps}/1".format(**camera)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(
        f"( appsrc name=pictures is-live=true do-timestamp=true format=time caps={caps} ! videoconvert ! {encoder} )"
    )
    factory.set_shared(True)

    def configure(factory, media):
        appsrc = media.get_element().get_by_name_recurse_up("pictures")
        media.pictures = Pictures(camera, appsrc)

    factory.connect("media-configure", configure)
    return factory


def main(wanted):
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(wanted["port"]))
    auth = GstRtspServer.RTSPAuth() if wanted["password"] or wanted["certificate"] else None
    if wanted["certificate"]:
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_files(wanted["certificate"], wanted["key"]))
    if wanted["password"]:
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "user")
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(wanted["user"], wanted["password"]), token)
    elif auth is not None:
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "user")
        auth.set_default_token(token)
    if auth is not None:
        server.set_auth(auth)
    for path, camera in wanted["cameras"].items():
        factory = factory_of(camera)
        if auth is not None:
            access = "user,media.factory.access=(boolean)true,media.factory.construct=(boolean)true"
            factory.add_role_from_structure(Gst.Structure.new_from_string(access))
        server.get_mount_points().add_factory(path, factory)
    if server.attach(None) == 0:
        sys.exit("the port is taken")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
