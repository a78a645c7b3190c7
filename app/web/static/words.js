// Numbers as people read them.

/** 75 -> "1:15", 3675 -> "1:01:15" */
export function clockTime(timeS) {
  const whole = Math.max(0, Math.floor(timeS));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = String(rest).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

export function span(startS, endS) {
  const [start, end] = [clockTime(startS), clockTime(endS)];
  return start === end ? start : `${start} – ${end}`;
}

export function seconds(durationS) {
  return durationS < 10 ? `${durationS.toFixed(1)} s` : `${Math.round(durationS)} s`;
}

export function milliseconds(durationMs) {
  return durationMs < 1000 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1000).toFixed(1)} s`;
}

export function bytes(number) {
  const mega = number / 1e6;
  if (mega >= 1000) return `${(mega / 1000).toFixed(1)} GB`;
  return mega < 1 ? `${Math.max(1, Math.round(number / 1e3))} kB` : `${mega.toFixed(mega < 10 ? 1 : 0)} MB`;
}

export function count(number) {
  return number.toLocaleString("en");
}

/** An element; its text is only ever set as text. */
export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}
