// The timeline under the picture: what the memory holds of the stream, to look at, to ask about, to keep or to forget.

import { Scale } from "./timeline_scale.js";
import { HEIGHT_PX, TimelineView } from "./timeline_view.js";
import { TimelinePointer } from "./timeline_pointer.js";
import { count } from "./words.js";

const STEP = 1.5; // of one zoom
const GAP_WORDS = {
  disconnected: "no connection", dropped: "not kept", dark: "too dark to see", evicted: "no longer kept", forgotten: "forgotten",
};

export class Timeline {
  #part;
  #tools;
  #state;
  #view;
  #scale = null; // null: the whole stream
  #widthPx = 0;
  #isDrawing = false;
  #key = "";
  #watch = null;
  #askedAt = new Map(); // exchange -> stream time

  /** tools: clock, ask(text), look(moment), and changed(selection) when another span is chosen. */
  constructor(part, tools) {
    this.#part = part;
    this.#tools = tools;
    this.#view = new TimelineView(part("strip"), () => this.#redraw());
    this.#empty();
    new TimelinePointer(part("track"), this);
    part("track").addEventListener("keydown", (event) => this.#onKey(event));
    part("track").addEventListener("focus", () => this.#focused());
    part("track").addEventListener("blur", () => this.point(null));
    part("zoomin").addEventListener("click", () => this.zoom(STEP));
    part("zoomout").addEventListener("click", () => this.zoom(1 / STEP));
    part("zoomall").addEventListener("click", () => this.showAll());
    part("unselect").addEventListener("click", () => this.select(null));
    part("askspan").addEventListener("click", () => this.#askSelection());
    new ResizeObserver(([entry]) => this.#resized(entry.contentRect.width)).observe(part("track"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#redraw());
  }

  get scale() {
    return this.#scale ?? new Scale(this.#whole.startS, this.#whole.endS, this.#widthPx);
  }

  get selection() {
    return this.#state.selection;
  }

  get nowS() {
    return this.#state.nowS;
  }

  get watch() {
    return this.#watch;
  }

  get #whole() {
    const startS = Math.min(this.#state.slots[0]?.[0] ?? 0, this.#state.gaps[0]?.[1] ?? Infinity);
    return { startS, endS: Math.max(this.#state.nowS, startS + 2) };
  }

  restore(hello) {
    this.#key = hello.key;
    this.#askedAt.clear();
    this.#empty();
    this.#part("timeline").hidden = true;
  }

  /** What has changed in the memory. */
  tell(message) {
    if (message.watch !== this.#watch) {
      this.#empty();
      this.#watch = message.watch;
    }
    const isFollowing = this.#scale !== null && this.#scale.endS >= this.#state.nowS - 0.01;
    if (message.gaps?.some(([kind]) => kind === "forgotten")) this.#view.forget();
    this.#state = {
      ...this.#state,
      nowS: message.now_s ?? this.#state.nowS,
      slots: message.slots ?? this.#state.slots,
      frames: message.frames ?? this.#state.frames,
      gaps: message.gaps ?? this.#state.gaps,
      pins: message.pins ?? this.#state.pins,
    };
    if (isFollowing) this.#scale = this.#scale.moved(this.#state.nowS - this.#scale.endS, this.#whole);
    this.#part("timeline").hidden = false;
    this.#redraw();
  }

  /** Where another source begins, or none is watched. */
  follow(status) {
    if (status.watch === this.#watch) return;
    this.#watch = status.watch ?? null;
    this.#empty();
    this.#part("timeline").hidden = true;
  }

  /** An answer came: a question was asked at this time. */
  asked(answer) {
    if (answer.asked_at_s === undefined) return;
    this.#askedAt.set(answer.id, { watch: answer.watch, timeS: answer.asked_at_s });
    this.#redraw();
  }

  erased(message) {
    this.#askedAt.delete(message.id);
    this.#state.mark = null; // the chip that set it has gone
    this.#redraw();
  }

  /** Shows where evidence lies; null: no more. */
  mark(span) {
    this.#state.mark = span;
    this.#redraw();
  }

  // What the pointer and the keys do

  point(timeS, x = null) {
    this.#state.cursorS = timeS;
    this.#redraw();
    this.#peek(timeS, x);
    if (timeS !== null) this.#tellCursor(timeS);
  }

  select(span) {
    this.#state.selection = span && this.#clamped(span);
    this.#redraw();
    this.#tools.changed(this.#state.selection);
  }

  zoom(factor, atS = null) {
    const centre = atS ?? this.#state.cursorS ?? this.scale.startS + this.scale.spanS / 2;
    const zoomed = this.scale.zoomed(factor, centre, this.#whole);
    this.#scale = zoomed.spanS >= this.#whole.endS - this.#whole.startS - 0.01 ? null : zoomed;
    this.#redraw();
  }

  pan(byS) {
    if (this.#scale === null) return;
    this.#scale = this.#scale.moved(byS, this.#whole);
    this.#redraw();
  }

  showAll() {
    this.#scale = null;
    this.#redraw();
  }

  /** A click, a tap or Enter: the frame is shown and the question put. */
  ask(timeS) {
    const at = Math.min(Math.max(timeS, this.#whole.startS), this.#state.nowS);
    if (this.#state.selection && at >= this.#state.selection[0] && at <= this.#state.selection[1]) {
      this.#askSelection();
      return;
    }
    this.point(at, this.scale.x(at));
    this.#tools.ask(this.#tools.clock.question(at, at));
  }

  open(timeS) {
    this.#tools.look({ watch: this.#watch, timeS: Math.min(Math.max(timeS, 0), this.#state.nowS) });
  }

  #askSelection() {
    if (this.#state.selection) this.#tools.ask(this.#tools.clock.question(...this.#state.selection));
  }

  #onKey(event) {
    const stepS = event.altKey ? this.scale.spanS / 10 : Math.max(this.scale.spanS / 100, 0.5);
    const at = this.#state.cursorS ?? this.#state.nowS;
    const keys = {
      ArrowLeft: () => this.#step(at, -stepS, event.shiftKey),
      ArrowRight: () => this.#step(at, stepS, event.shiftKey),
      PageUp: () => this.#toSlot(at, -1),
      PageDown: () => this.#toSlot(at, 1),
      Home: () => this.#move(this.#whole.startS),
      End: () => this.#move(this.#state.nowS),
      Enter: () => this.ask(at),
      " ": () => this.open(at),
      "+": () => this.zoom(STEP),
      "=": () => this.zoom(STEP),
      "-": () => this.zoom(1 / STEP),
      0: () => this.showAll(),
      p: () => this.#part("remember").click(),
      Delete: () => this.#part("forget").click(),
      Escape: () => this.select(null),
    };
    if (!keys[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    if (event.key === "Escape") event.stopPropagation();
    keys[event.key]();
  }

  /** With Shift the selection grows from where the cursor was. */
  #step(at, byS, isSelecting) {
    const to = Math.min(Math.max(at + byS, this.#whole.startS), this.#state.nowS);
    if (isSelecting) {
      const [startS, endS] = this.#state.selection ?? [at, at];
      this.select(Math.abs(at - startS) < Math.abs(at - endS) ? [Math.min(to, endS), Math.max(to, endS)] : [Math.min(startS, to), Math.max(startS, to)]);
    }
    this.#move(to);
  }

  #toSlot(at, direction) {
    const starts = this.#state.slots.map(([startS]) => startS);
    const next = direction > 0 ? starts.find((one) => one > at + 0.01) : starts.findLast((one) => one < at - 0.01);
    this.#move(next ?? (direction > 0 ? this.#state.nowS : this.#whole.startS));
  }

  #move(timeS) {
    if (timeS < this.scale.startS) this.pan(timeS - this.scale.startS);
    if (timeS > this.scale.endS) this.pan(timeS - this.scale.endS);
    this.point(timeS, this.scale.x(timeS));
  }

  #focused() {
    if (this.#state.cursorS === null && this.#part("track").matches(":focus-visible")) this.#move(this.#state.nowS);
  }

  // What is shown

  #peek(timeS, x) {
    const peek = this.#part("peek");
    peek.hidden = timeS === null || timeS > this.#state.nowS + 0.5 || x === null;
    if (peek.hidden) return;
    const gap = this.#state.gaps.find(([, startS, endS]) => timeS > startS && timeS < endS);
    const slot = gap ? undefined : this.#slotAt(timeS);
    const image = peek.querySelector("img");
    image.hidden = !slot;
    const address = slot && this.#state.address(slot[3]);
    if (slot && image.getAttribute("src") !== address) image.src = address;
    const time = this.#tools.clock.words(timeS);
    peek.querySelector("span").textContent = gap ? `${time} · ${GAP_WORDS[gap[0]] ?? gap[0]}` : time;
    const half = 66;
    peek.style.left = `${Math.min(Math.max(x, half), Math.max(this.#widthPx - half, half))}px`;
  }

  #slotAt(timeS) {
    let found;
    for (const slot of this.#state.slots) if (slot[0] <= timeS) found = slot;
    return found;
  }

  #tellCursor(timeS) {
    const track = this.#part("track");
    track.setAttribute("aria-valuemin", Math.floor(this.#whole.startS));
    track.setAttribute("aria-valuemax", Math.ceil(this.#state.nowS));
    track.setAttribute("aria-valuenow", Math.round(timeS));
    const gap = this.#state.gaps.find(([, startS, endS]) => timeS > startS && timeS < endS);
    const told = gap ? `, ${GAP_WORDS[gap[0]] ?? gap[0]}` : "";
    track.setAttribute("aria-valuetext", this.#tools.clock.words(timeS) + told);
  }

  #tellSpan() {
    const { clock } = this.#tools;
    const { selection, slots, gaps, pins } = this.#state;
    const facts = [`${count(slots.length)} ${slots.length === 1 ? "slot" : "slots"}`];
    if (gaps.length) facts.push(`${gaps.length} ${gaps.length === 1 ? "gap" : "gaps"}`);
    if (pins.length) facts.push(`${pins.length} ${pins.length === 1 ? "pin" : "pins"}`);
    const shown = selection ? `${clock.span(...selection)} selected` : `${clock.span(this.scale.startS, this.scale.endS)} · ${facts.join(" · ")}`;
    const line = this.#part("timewords");
    if (line.textContent !== shown) line.textContent = shown;
    for (const name of ["unselect", "askspan"]) this.#part(name).hidden = !selection;
    for (const name of ["zoomin", "zoomout", "zoomall"]) this.#part(name).hidden = Boolean(selection);
    for (const name of ["zoomout", "zoomall"]) this.#part(name).disabled = this.#scale === null;
  }

  #clamped([startS, endS]) {
    const { startS: first } = this.#whole;
    const limit = (timeS) => Math.min(Math.max(timeS, first), this.#state.nowS);
    return [limit(Math.min(startS, endS)), limit(Math.max(startS, endS))];
  }

  #empty() {
    this.#view?.forget();
    this.#scale = null;
    this.#state = {
      nowS: 0, slots: [], frames: [], gaps: [], pins: [], selection: null, mark: null, cursorS: null,
      clock: this.#tools.clock,
      address: (frame) => `/afterglow/frames/${encodeURIComponent(this.#key)}/${this.#watch}/${frame}.jpg`,
    };
    this.#tools.changed(null);
  }

  #resized(widthPx) {
    this.#widthPx = widthPx;
    if (this.#scale) this.#scale = new Scale(this.#scale.startS, this.#scale.endS, widthPx);
    this.#redraw();
  }

  /** At most once a frame of the screen. */
  #redraw() {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => {
      this.#isDrawing = false;
      if (!this.#widthPx || this.#part("timeline").hidden) return;
      this.#part("strip").style.height = `${HEIGHT_PX}px`;
      const questions = [...this.#askedAt.values()].filter((one) => one.watch === this.#watch).map((one) => one.timeS);
      this.#view.draw(this.scale, { ...this.#state, questions });
      this.#tellSpan();
    });
  }
}
