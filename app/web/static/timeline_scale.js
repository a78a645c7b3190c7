// From stream time to pixels and back, and where the labels of an axis stand. Pure.

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];
const MIN_SPAN_S = 2;

export class Scale {
  constructor(startS, endS, widthPx) {
    this.startS = startS;
    this.endS = Math.max(endS, startS + MIN_SPAN_S);
    this.widthPx = Math.max(widthPx, 1);
  }

  get spanS() {
    return this.endS - this.startS;
  }

  x(timeS) {
    return ((timeS - this.startS) / this.spanS) * this.widthPx;
  }

  time(x) {
    return this.startS + (x / this.widthPx) * this.spanS;
  }

  /** factor > 1 shows more detail; what is at atS stays where it is, unless the whole would be left. */
  zoomed(factor, atS, whole) {
    const spanS = Math.min(Math.max(this.spanS / factor, MIN_SPAN_S), Math.max(whole.endS - whole.startS, MIN_SPAN_S));
    const share = (atS - this.startS) / this.spanS;
    return within(atS - share * spanS, spanS, whole, this.widthPx);
  }

  moved(byS, whole) {
    return within(this.startS + byS, this.spanS, whole, this.widthPx);
  }
}

function within(startS, spanS, whole, widthPx) {
  const start = Math.max(Math.min(startS, whole.endS - spanS), whole.startS);
  return new Scale(start, start + spanS, widthPx);
}

/** Round times for labels, no nearer to each other than minPx. */
export function ticks(scale, minPx, alignS = 0) {
  const wantedS = (minPx / scale.widthPx) * scale.spanS;
  const days = Math.ceil(wantedS / STEPS_S.at(-1));
  const stepS = STEPS_S.find((step) => step >= wantedS) ?? days * STEPS_S.at(-1);
  const found = [];
  for (let at = Math.ceil((scale.startS + alignS) / stepS) * stepS - alignS; at <= scale.endS; at += stepS) found.push(at);
  return found;
}
