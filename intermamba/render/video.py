"""The two people moving, as .mp4 or .gif."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from ..errors import IntermambaError
from ..files import atomic_write
from ..motion.motion import Motion, resample
from .camera import film
from .figures import Stage
from .lettering import FAINT, INK, wrap, write

MP4_FPS = 30
GIF_FPS = 20  # a gif counts in hundredths of a second

OnFrame = Callable[[int, int], None]
"""Called with (frames done, all frames); it may raise, which leaves no file."""


def video(
    motion: Motion, path: str | Path, *, size: tuple[int, int] = (640, 480), on_frame: OnFrame | None = None
) -> None:
    """Write the motion as .mp4 (H.264, 30 fps) or .gif (20 fps), `size` in pixels, at its true speed.

    Raises IntermambaError when `path` has another ending or cannot be written, or when ffmpeg is missing or fails.
    """
    writers = {".mp4": (_write_mp4, MP4_FPS), ".gif": (_write_gif, GIF_FPS)}
    suffix = Path(path).suffix.lower()
    if suffix not in writers:
        raise IntermambaError(f"{path} is no video: let its name end in .mp4 or .gif.")
    write_file, fps = writers[suffix]
    motion = resample(motion, fps)
    size = size[0] // 2 * 2, size[1] // 2 * 2  # H.264 halves the colours' resolution
    with atomic_write(path) as temporary:
        write_file(temporary, _pictures(motion, size, on_frame), size)


def find_ffmpeg() -> str:
    """The path of the ffmpeg program. Raises IntermambaError, saying how to get one."""
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        return get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        raise IntermambaError('.mp4 needs ffmpeg: run `pip install "intermamba[viz]"`.') from error


def _pictures(motion: Motion, size: tuple[int, int], on_frame: OnFrame | None) -> Iterator[Image.Image]:
    stage = Stage()
    small = size[1] / 30
    margin = 0.8 * small
    prompt = wrap(motion.prompt, small, size[0] - 7 * small, 1)[0]
    for frame, camera in enumerate(film(motion.joints, motion.fps, size)):
        picture = stage.draw(motion.joints[:, frame], camera)
        draw = ImageDraw.Draw(picture)
        write(draw, (margin, size[1] - margin), prompt, small, anchor="ls", ink=INK)
        time = f"{frame / motion.fps:.1f} s"
        write(draw, (size[0] - margin, size[1] - margin), time, small, anchor="rs", ink=FAINT)
        yield picture
        if on_frame:
            on_frame(frame + 1, motion.frames)


def _write_mp4(path: Path, pictures: Iterator[Image.Image], size: tuple[int, int]) -> None:
    find_ffmpeg()
    from imageio_ffmpeg import write_frames

    encoding: dict[str, Any] = {
        "codec": "libx264",
        "pix_fmt_out": "yuv420p",
        "macro_block_size": 2,
        "quality": None,  # the next line's
        "output_params": ["-crf", "18", "-preset", "veryfast", "-movflags", "+faststart"],
        "ffmpeg_log_level": "error",
    }
    sink = write_frames(str(path), size, fps=MP4_FPS, **encoding)
    sink.send(None)
    try:
        for picture in pictures:
            sink.send(picture.tobytes())
    except OSError as error:
        raise IntermambaError("ffmpeg could not write the video: check that the disk has room.") from error
    finally:
        sink.close()


def _write_gif(path: Path, pictures: Iterator[Image.Image], size: tuple[int, int]) -> None:
    first = next(pictures)
    palette = _palette(first)

    def reduced(picture: Image.Image) -> Image.Image:
        return picture.quantize(palette=palette, dither=Image.Dither.NONE)

    rest = (reduced(picture) for picture in pictures)
    reduced(first).save(
        path, format="GIF", save_all=True, append_images=rest, duration=1000 // GIF_FPS, loop=0, disposal=1
    )


def _palette(picture: Image.Image) -> Image.Image:
    """256 colours for all frames: half of the weight to the figures, which fill little of a picture."""
    ramps = Image.fromarray(Stage().ramps[1:, :, :3])
    swatches = Image.new("RGB", (256, 256))
    swatches.paste(ramps.resize((256, 128), Image.Resampling.NEAREST))
    swatches.paste(picture.resize((256, 128)), (0, 128))
    return swatches.quantize(256, Image.Quantize.MEDIANCUT)
