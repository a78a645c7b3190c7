// Draws the timeline on a canvas: pictures of the event slots, gaps, pins, questions, newest frames, axis, cursor.

import { ticks } from "./timeline_scale.js";

export const LANES = { marks: 15, strip: 46, axis: 19 }; // heights in CSS pixels, from the top
export const HEIGHT_PX = LANES.marks + LANES.strip + LANES.axis;
const TOP = LANES.marks;
const BOTTOM = LANES.marks + LANES.strip;
const MIN_PICTURE_PX = 26;
const LABEL_PX = 76;
const MAX_PICTURES = 96;
const MAX_BETWEEN_S = 5; // between two frames that were looked at, on a busy machine

export class TimelineView {
  #canvas;
  #pictures = new Map(); // address -> Image, the newest last
  #onPicture;

  constructor(canvas, onPicture) {
    this.#canvas = canvas;
    this.#onPicture = onPicture;
  }

  /** Something was forgotten: no picture is kept. */
  forget() {
    this.#pictures.clear();
  }

  draw(scale, state) {
    const context = this.#prepare(scale.widthPx);
    const ink = colours(this.#canvas);
    this.#slots(context, scale, state, ink);
    this.#gaps(context, scale, state, ink);
    this.#axis(context, scale, state, ink);
    this.#frames(context, scale, state, ink);
    this.#pins(context, scale, state, ink);
    this.#questions(context, scale, state, ink);
    this.#selection(context, scale, state, ink);
    this.#now(context, scale, state, ink);
    this.#cursor(context, scale, state, ink);
  }

  #prepare(widthPx) {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(widthPx * ratio), Math.round(HEIGHT_PX * ratio)];
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    const context = this.#canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, widthPx, HEIGHT_PX);
    return context;
  }

  #slots(context, scale, state, ink) {
    box(context, 0, TOP, scale.widthPx, LANES.strip, 9);
    context.fillStyle = ink.sunk;
    context.fill();
    state.slots.forEach(([startS, endS, , frame, isPinned], place) => {
      const next = state.slots[place + 1];
      const until = next ? Math.max(endS, Math.min(next[0], endS + MAX_BETWEEN_S)) : endS; // it stands until the next frame
      const [left, right] = [scale.x(startS), scale.x(until)];
      if (right < 0 || left > scale.widthPx) return;
      this.#slot(context, { left, width: Math.max(right - left - 1.5, 1.5), isPinned, isOdd: place % 2, scaleWidth: scale.widthPx }, state.address(frame), ink);
    });
  }

  #slot(context, { left, width, isPinned, isOdd, scaleWidth }, address, ink) {
    const [top, height] = [TOP + 3, LANES.strip - 6];
    context.save();
    box(context, left, top, width, height, Math.min(6, width / 2));
    context.fillStyle = isOdd ? ink.slotOdd : ink.slot;
    context.fill();
    const image = width >= MIN_PICTURE_PX ? this.#picture(address) : null;
    if (image) {
      context.clip();
      fill(context, image, left, top, width, height, scaleWidth);
    }
    context.restore();
    if (!isPinned) return;
    box(context, left + 0.75, top + 0.75, Math.max(width - 1.5, 1), height - 1.5, Math.min(6, width / 2));
    context.strokeStyle = ink.glow;
    context.lineWidth = 1.5;
    context.stroke();
  }

  #picture(address) {
    let image = this.#pictures.get(address);
    if (image) {
      this.#pictures.delete(address);
    } else {
      image = new Image();
      image.onload = () => this.#onPicture();
      image.src = address;
    }
    this.#pictures.set(address, image);
    if (this.#pictures.size > MAX_PICTURES) this.#pictures.delete(this.#pictures.keys().next().value);
    return image.complete && image.naturalWidth ? image : null;
  }

  #gaps(context, scale, state, ink) {
    for (const [kind, startS, endS] of state.gaps) {
      const left = scale.x(startS);
      const width = Math.max(scale.x(endS) - left, 3);
      if (left + width < 0 || left > scale.widthPx) continue;
      context.save();
      box(context, left, TOP, width, LANES.strip, Math.min(6, width / 2));
      context.clip();
      context.fillStyle = ink.card;
      context.fillRect(left, TOP, width, LANES.strip);
      context.strokeStyle = ink.gaps[kind] ?? ink.soft;
      context.lineWidth = 1.6;
      context.beginPath();
      for (let x = Math.max(left, 0) - LANES.strip - (left % 7); x < Math.min(left + width, scale.widthPx); x += 7) {
        context.moveTo(x, BOTTOM);
        context.lineTo(x + LANES.strip, TOP);
      }
      context.stroke();
      context.restore();
    }
  }

  #axis(context, scale, state, ink) {
    context.font = `11px ${ink.font}`;
    context.textBaseline = "middle";
    context.strokeStyle = ink.edge;
    context.lineWidth = 1;
    for (const timeS of ticks(scale, LABEL_PX, state.clock.alignS)) {
      const x = Math.round(scale.x(timeS)) + 0.5;
      context.beginPath();
      context.moveTo(x, BOTTOM + 1);
      context.lineTo(x, BOTTOM + 5);
      context.stroke();
      const label = state.clock.words(timeS);
      const width = context.measureText(label).width;
      context.fillStyle = ink.soft;
      context.fillText(label, Math.min(Math.max(x - width / 2, 1), scale.widthPx - width - 1), BOTTOM + 12);
    }
  }

  #frames(context, scale, state, ink) {
    context.fillStyle = ink.good;
    for (const [timeS] of state.frames) context.fillRect(scale.x(timeS) - 0.75, BOTTOM - 4, 1.5, 4);
  }

  #pins(context, scale, state, ink) {
    context.fillStyle = ink.glow;
    for (const [startS, endS] of state.pins) {
      const left = scale.x(startS);
      const width = Math.max(scale.x(endS) - left, 3);
      context.fillRect(left, TOP - 3, width, 2);
      const middle = left + width / 2;
      context.beginPath(); // a small pennant
      context.moveTo(middle - 1, TOP - 3);
      context.lineTo(middle - 1, 1);
      context.lineTo(middle + 8, 4.5);
      context.lineTo(middle + 0.5, 8);
      context.lineTo(middle + 0.5, TOP - 3);
      context.fill();
    }
  }

  #questions(context, scale, state, ink) {
    for (const timeS of state.questions) {
      context.beginPath();
      context.arc(scale.x(timeS), 7, 4, 0, 2 * Math.PI);
      context.fillStyle = ink.card;
      context.fill();
      context.strokeStyle = ink.ink;
      context.lineWidth = 1.6;
      context.stroke();
    }
  }

  #selection(context, scale, state, ink) {
    for (const [span, isStrong] of [[state.mark, false], [state.selection, true]]) {
      if (!span) continue;
      const left = scale.x(span[0]);
      const width = Math.max(scale.x(span[1]) - left, 2);
      context.globalAlpha = isStrong ? 0.2 : 0.12;
      context.fillStyle = ink.glow;
      context.fillRect(left, TOP, width, LANES.strip);
      context.globalAlpha = 1;
      context.strokeStyle = ink.glow;
      context.lineWidth = isStrong ? 2 : 1.5;
      context.strokeRect(left, TOP + 1, width, LANES.strip - 2);
    }
  }

  #now(context, scale, state, ink) {
    const x = scale.x(state.nowS);
    if (x < -2 || x > scale.widthPx + 2) return;
    const at = Math.min(Math.max(x, 1), scale.widthPx - 1);
    context.fillStyle = ink.good;
    context.fillRect(at - 1, TOP - 2, 2, LANES.strip + 3);
  }

  #cursor(context, scale, state, ink) {
    if (state.cursorS === null) return;
    const x = scale.x(state.cursorS);
    context.fillStyle = ink.ink;
    context.fillRect(x - 0.75, 0, 1.5, BOTTOM + 3);
  }
}

function colours(element) {
  const style = getComputedStyle(element);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const [soft, bad] = [colour("soft"), colour("bad")];
  return {
    ink: colour("ink"), soft, edge: colour("edge"), card: colour("card"), sunk: colour("sunk"), glow: colour("glow"),
    good: colour("good"), slot: colour("slot"), slotOdd: colour("slot-odd"), font: style.fontFamily,
    gaps: { disconnected: bad, dropped: colour("glow"), dark: soft, evicted: soft, forgotten: colour("edge") },
  };
}

function box(context, left, top, width, height, radius) {
  context.beginPath();
  context.roundRect(left, top, width, height, Math.max(radius, 0));
}

/** The picture as often as there is room for it, as on a strip of film; where there is less, its middle. */
function fill(context, image, left, top, width, height, widthPx) {
  const whole = (height * image.naturalWidth) / image.naturalHeight;
  if (width <= whole) {
    const share = width / whole;
    const cut = image.naturalWidth * (1 - share);
    context.drawImage(image, cut / 2, 0, image.naturalWidth - cut, image.naturalHeight, left, top, width, height);
    return;
  }
  const first = Math.max(Math.floor(-left / (whole + 1)), 0); // what lies off the canvas is not drawn
  for (let x = left + first * (whole + 1); x < Math.min(left + width, widthPx); x += whole + 1) {
    context.drawImage(image, x, top, whole, height);
  }
}
