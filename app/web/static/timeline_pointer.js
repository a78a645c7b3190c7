// Mouse, pen and fingers on the timeline. A click asks, a drag selects; two fingers zoom, one finger pans; the wheel zooms
// and, sideways or with Shift, pans.

const MOVED_PX = 5;
const WHEEL = 0.0022;

export class TimelinePointer {
  #track;
  #timeline;
  #down = new Map(); // pointer -> where it went down and where it is
  #isDragging = false;
  #pinchPx = 0;

  constructor(track, timeline) {
    this.#track = track;
    this.#timeline = timeline;
    track.addEventListener("pointerdown", (event) => this.#press(event));
    track.addEventListener("pointermove", (event) => this.#move(event));
    track.addEventListener("pointerup", (event) => this.#release(event));
    track.addEventListener("pointercancel", (event) => this.#down.delete(event.pointerId));
    track.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse" && !this.#down.size) timeline.point(null);
    });
    track.addEventListener("wheel", (event) => this.#turn(event), { passive: false });
  }

  #x(event) {
    return event.clientX - this.#track.getBoundingClientRect().left;
  }

  #press(event) {
    if (event.button !== 0) return;
    const x = this.#x(event);
    this.#down.set(event.pointerId, { startX: x, x });
    this.#isDragging = false;
    this.#pinchPx = this.#fingersPx();
    this.#track.setPointerCapture(event.pointerId);
  }

  #move(event) {
    const x = this.#x(event);
    const { scale } = this.#timeline;
    const pressed = this.#down.get(event.pointerId);
    if (!pressed) {
      if (event.pointerType === "mouse") this.#timeline.point(scale.time(x), x);
      return;
    }
    const before = pressed.x;
    pressed.x = x;
    if (Math.abs(x - pressed.startX) > MOVED_PX) this.#isDragging = true;
    if (this.#down.size === 2) this.#pinch();
    else if (this.#isDragging && event.pointerType === "touch") this.#timeline.pan(scale.time(before) - scale.time(x));
    else if (this.#isDragging) {
      this.#timeline.select([scale.time(pressed.startX), scale.time(x)]);
      this.#timeline.point(scale.time(x), x);
    }
  }

  #release(event) {
    const pressed = this.#down.get(event.pointerId);
    const wasAlone = this.#down.size === 1;
    this.#down.delete(event.pointerId);
    if (!pressed || this.#isDragging || !wasAlone) return;
    this.#timeline.ask(this.#timeline.scale.time(pressed.x));
  }

  #pinch() {
    const distancePx = this.#fingersPx();
    const [one, other] = [...this.#down.values()];
    this.#isDragging = true;
    if (this.#pinchPx > 0) this.#timeline.zoom(distancePx / this.#pinchPx, this.#timeline.scale.time((one.x + other.x) / 2));
    this.#pinchPx = distancePx;
  }

  #fingersPx() {
    const [one, other] = [...this.#down.values()];
    return other ? Math.max(Math.abs(one.x - other.x), 1) : 0;
  }

  /** Where the page itself scrolls, the wheel belongs to it unless Ctrl is held, as a pinch on a touchpad says. */
  #turn(event) {
    const isPageScrolling = document.scrollingElement.scrollHeight > window.innerHeight + 2;
    const { scale } = this.#timeline;
    const isSideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (isPageScrolling && !event.ctrlKey && !isSideways) return;
    event.preventDefault();
    if (isSideways) this.#timeline.pan(((event.deltaX || event.deltaY) / scale.widthPx) * scale.spanS);
    else this.#timeline.zoom(Math.exp(-event.deltaY * WHEEL * (event.ctrlKey ? 4 : 1)), scale.time(this.#x(event)));
  }
}
