// The live picture: JPEGs from the server, drawn on a canvas. The next one is asked for when this one was shown.

const TIME_BYTES = 8;

export class Picture {
  #canvas;
  #clock;
  #acknowledge;
  #watch = null;
  #words;
  #timeS = null; // of what is shown

  /** words: from a stream time to the time as people read it. */
  constructor(part, acknowledge, words) {
    this.#canvas = part("picture");
    this.#clock = part("clock");
    this.#acknowledge = acknowledge;
    this.#words = words;
  }

  /** Of a moment that was forgotten nothing stays on the screen. */
  forget(spans) {
    if (this.#timeS !== null && spans.some(([startS, endS]) => startS <= this.#timeS && this.#timeS <= endS)) this.#blank();
  }

  #blank() {
    this.#canvas.classList.remove("is-shown");
    this.#canvas.getContext("2d").clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    this.#clock.textContent = "";
    this.#timeS = null;
  }

  /** How large it is on the screen: the server makes it no larger. */
  #sidePx() {
    return Math.ceil(Math.max(this.#canvas.clientWidth, this.#canvas.clientHeight) * window.devicePixelRatio);
  }

  /** A new source begins with an empty picture. */
  follow(status) {
    if (status.watch === this.#watch) return;
    this.#watch = status.watch;
    this.#blank();
  }

  async draw(bytes) {
    try {
      const timeS = new DataView(bytes).getFloat64(0);
      const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes, TIME_BYTES)], { type: "image/jpeg" }));
      if (this.#canvas.width !== bitmap.width || this.#canvas.height !== bitmap.height) {
        this.#canvas.width = bitmap.width;
        this.#canvas.height = bitmap.height;
      }
      this.#canvas.getContext("2d").drawImage(bitmap, 0, 0);
      bitmap.close();
      this.#canvas.classList.add("is-shown");
      this.#clock.textContent = this.#words(timeS);
      this.#timeS = timeS;
    } finally {
      await whenVisible();
      this.#acknowledge(this.#sidePx());
    }
  }
}

/** Nobody looks at a hidden page: the server need not make pictures for it. */
function whenVisible() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}
