// A moment, looked at closely: its picture, those around it, and them played as a clip; the recorded video where there is
// one. A modal dialog: the browser keeps the focus inside, closes it by Escape and gives the focus back.

const AROUND_S = 5;
const SAME_S = 0.05;
const LONGEST_PAUSE_S = 1.5; // between two pictures of a clip

export class Viewer {
  #part;
  #tools;
  #moment = null; // what is shown: watch, timeS, and since the server told it, frames and place
  #timer = 0;

  /** tools: connection, clock, key(), ask(text), pin(startS, endS). */
  constructor(part, tools) {
    this.#part = part;
    this.#tools = tools;
    const dialog = part("large");
    dialog.addEventListener("close", () => this.#closed());
    dialog.addEventListener("keydown", (event) => this.#onKey(event));
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close(); // beside the picture
    });
    part("previous").addEventListener("click", () => this.#go(-1));
    part("next").addEventListener("click", () => this.#go(1));
    part("filmtoggle").addEventListener("click", () => this.#swap(part("film").hidden));
    part("play").addEventListener("click", () => this.#togglePlaying());
    part("around").addEventListener("input", () => {
      this.#swap(false);
      this.#show(Number(part("around").value));
    });
    part("askmoment").addEventListener("click", () => this.#ask());
    part("pinmoment").addEventListener("click", () => this.#pin());
    part("shown").addEventListener("error", () => this.#gone());
  }

  /** moment: watch, timeS, and where they are known frame and the span that it stands for. */
  open(moment) {
    this.#stop();
    this.#moment = { ...moment, frames: [], place: -1 };
    const image = this.#part("shown");
    image.hidden = false;
    image.removeAttribute("src");
    if (moment.frame !== undefined) image.src = this.#address(moment.frame);
    this.#swap(false);
    this.#part("filmtoggle").hidden = true;
    this.#part("film").removeAttribute("src");
    this.#tell(moment.span ? this.#tools.clock.span(...moment.span) : this.#tools.clock.words(moment.timeS), "");
    this.#enable();
    const dialog = this.#part("large");
    if (!dialog.open) dialog.showModal();
    this.#tools.connection.send({ type: "look", watch: moment.watch, time_s: moment.timeS, frame: moment.frame ?? null });
  }

  /** The server tells what there is of the moment. */
  tell(message) {
    if (!this.#moment || message.watch !== this.#moment.watch || message.asked_s !== this.#moment.timeS) return;
    const frames = message.frames;
    const [frame, timeS] = message.frame ?? [null, null];
    if (frame !== null && !frames.some(([id]) => id === frame)) frames.push([frame, timeS]);
    frames.sort((one, other) => one[1] - other[1]);
    Object.assign(this.#moment, { frames, isExact: message.is_exact, wantedS: message.time_s });
    if (frame === null) {
      this.#gone();
      return;
    }
    const range = this.#part("around");
    range.max = Math.max(frames.length - 1, 0);
    this.#show(frames.findIndex(([id]) => id === frame));
    if (message.has_video) this.#offerFilm(message);
  }

  /** Something was forgotten: what is shown may be of it. */
  forget() {
    if (this.#part("large").open) this.#part("large").close();
  }

  #address(frame) {
    return `/afterglow/frames/${encodeURIComponent(this.#tools.key())}/${this.#moment.watch}/${frame}.jpg`;
  }

  #show(place) {
    const { frames, wantedS, isExact, span } = this.#moment;
    if (!frames[place]) return;
    this.#moment.place = place;
    const [frame, timeS] = frames[place];
    const image = this.#part("shown");
    const address = this.#address(frame);
    if (image.getAttribute("src") !== address) image.src = address;
    const { clock } = this.#tools;
    const apartS = timeS - wantedS;
    let note = "The picture of that moment.";
    if (Math.abs(apartS) > SAME_S) note = `${Math.abs(apartS).toFixed(1)} s ${apartS < 0 ? "before" : "after"} that moment.`;
    if (!isExact && Math.abs(apartS) <= Math.abs(this.#nearestS()) + 0.01) note = `The nearest picture kept, ${note}`;
    const isAtIt = Math.abs(apartS) <= SAME_S && span && clock.words(span[0]) !== clock.words(span[1]);
    this.#tell(isAtIt ? `${clock.words(timeS)}, of ${clock.span(...span)}` : clock.words(timeS), note);
    const range = this.#part("around");
    range.value = place;
    range.setAttribute("aria-valuetext", clock.words(timeS));
    this.#enable();
  }

  #nearestS() {
    return Math.min(...this.#moment.frames.map(([, timeS]) => Math.abs(timeS - this.#moment.wantedS)));
  }

  #tell(time, note) {
    const line = this.#part("large").querySelector("p");
    line.textContent = `Seen ${time}`;
    this.#part("momentnote").textContent = note;
    this.#part("shown").alt = `The picture from ${time}`;
  }

  #gone() {
    if (!this.#moment) return;
    this.#stop();
    this.#part("shown").hidden = true;
    this.#part("momentnote").textContent = "No picture of that moment is kept.";
    this.#enable();
  }

  #offerFilm({ start_s: startS, end_s: endS, watch }) {
    const film = this.#part("film");
    film.addEventListener("loadeddata", () => { this.#part("filmtoggle").hidden = false; }, { once: true });
    const [from, to] = [Math.round(startS * 1e3), Math.round(endS * 1e3)];
    film.src = `/afterglow/clips/${encodeURIComponent(this.#tools.key())}/${watch}/${from}-${to}.mp4`;
  }

  /** The recorded video in place of the picture, or the reverse. */
  #swap(isFilm) {
    const [film, picture] = [this.#part("film"), this.#part("shown")];
    film.hidden = !isFilm;
    picture.hidden = isFilm;
    this.#part("filmtoggle").setAttribute("aria-pressed", isFilm);
    if (isFilm) film.play().catch(() => {}); // a browser that wants a press first has its controls
    else film.pause();
  }

  #go(by) {
    this.#swap(false);
    this.#stop();
    this.#show(this.#moment.place + by);
  }

  #togglePlaying() {
    if (this.#timer) {
      this.#stop();
      return;
    }
    this.#swap(false);
    if (this.#moment.place >= this.#moment.frames.length - 1) this.#show(0);
    this.#playOn();
    this.#enable();
  }

  /** The next picture, after as long as it took then. */
  #playOn() {
    const { frames, place } = this.#moment;
    if (place >= frames.length - 1) {
      this.#stop();
      return;
    }
    const pauseS = Math.min(frames[place + 1][1] - frames[place][1], LONGEST_PAUSE_S);
    this.#timer = setTimeout(() => {
      this.#show(place + 1);
      this.#playOn();
    }, pauseS * 1e3);
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#enable();
  }

  #enable() {
    const { frames = [], place = -1 } = this.#moment ?? {};
    this.#part("previous").disabled = place <= 0;
    this.#part("next").disabled = place < 0 || place >= frames.length - 1;
    this.#part("play").disabled = frames.length < 2;
    this.#part("around").disabled = frames.length < 2;
    this.#part("play").textContent = this.#timer ? "Pause" : "Play";
    this.#part("pinmoment").hidden = !this.#tools.mayChange();
  }

  #ask() {
    const timeS = this.#moment.frames[this.#moment.place]?.[1] ?? this.#moment.timeS;
    this.#part("large").close();
    this.#tools.ask(this.#tools.clock.question(timeS, timeS));
  }

  #pin() {
    const timeS = this.#moment.frames[this.#moment.place]?.[1] ?? this.#moment.timeS;
    this.#part("large").close();
    this.#tools.pin([Math.max(timeS - AROUND_S, 0), timeS + AROUND_S]);
  }

  #closed() {
    this.#stop();
    this.#moment = null;
    this.#part("film").removeAttribute("src");
    this.#part("shown").removeAttribute("src");
  }

  #onKey(event) {
    if (event.target.matches("input, video")) return;
    if (event.key === "ArrowLeft") this.#go(-1);
    else if (event.key === "ArrowRight") this.#go(1);
    else return;
    event.preventDefault();
  }
}
