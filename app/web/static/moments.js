// To keep a moment, and to forget one: both ask first, and tell afterwards what was done.

export class Moments {
  #part;
  #tools;
  #span = null; // of the dialog that is open
  #mayChange = true;

  /** tools: connection, clock, timeline(). */
  constructor(part, tools) {
    this.#part = part;
    this.#tools = tools;
    part("remember").addEventListener("click", () => this.remember(this.#chosen()));
    part("forget").addEventListener("click", () => this.#openForget());
    part("pinform").addEventListener("submit", () => this.#pin());
    part("forgetform").addEventListener("submit", () => this.#forget());
    part("forgetform").addEventListener("change", () => this.#tellForget());
    part("pinform").addEventListener("change", () => this.#tellPin());
    for (const name of ["pindialog", "forgetdialog"]) {
      part(name).querySelector("[data-close]").addEventListener("click", () => part(name).close());
    }
  }

  get mayChange() {
    return this.#mayChange;
  }

  /** Whether this page may change what is watched. */
  permit(mayChange) {
    this.#mayChange = mayChange;
    for (const name of ["remember", "forget"]) {
      this.#part(name).disabled = !mayChange;
      this.#part(name).title = mayChange ? "" : "A shared camera is changed on the machine that runs Afterglow.";
    }
  }

  /** Another span is selected on the timeline. */
  selected(span) {
    this.#part("remember").textContent = span ? "Remember this" : "Remember";
    this.#part("forget").textContent = span ? "Forget this…" : "Forget…";
  }

  /** span: null: the last seconds, as chosen in the dialog. */
  remember(span) {
    this.#span = span;
    const form = this.#part("pinform");
    form.reset();
    form.querySelector("[data-last]").hidden = span !== null;
    this.#tellPin();
    this.#part("pindialog").showModal();
    form.elements.label.focus();
  }

  receipt(message) {
    this.#say(message.message, message.kind);
    this.#tools.timeline().select(null);
  }

  refuse(sentence) {
    this.#say(sentence, "problem");
  }

  #say(sentence, kind) {
    const box = this.#part("receipt");
    box.dataset.kind = kind;
    box.querySelector("span").textContent = sentence;
    box.hidden = false;
  }

  #chosen() {
    return this.#tools.timeline().selection;
  }

  #spanOf(form) {
    const { nowS } = this.#tools.timeline();
    if (this.#span) return this.#span;
    const lastS = Number(form.elements.last.value);
    return [lastS ? Math.max(nowS - lastS, 0) : 0, nowS];
  }

  #tellPin() {
    const span = this.#spanOf(this.#part("pinform"));
    this.#part("pinspan").textContent = this.#tools.clock.span(...span);
  }

  #openForget() {
    this.#span = this.#chosen();
    const form = this.#part("forgetform");
    form.reset();
    form.querySelector("[data-last]").hidden = this.#span !== null;
    this.#tellForget();
    this.#part("forgetdialog").showModal();
    this.#part("forgetdialog").querySelector("[data-close]").focus();
  }

  #tellForget() {
    const [startS, endS] = this.#spanOf(this.#part("forgetform"));
    this.#part("forgetspan").textContent = this.#tools.clock.span(startS, endS);
  }

  #pin() {
    const [startS, endS] = this.#spanOf(this.#part("pinform"));
    const label = this.#part("pinform").elements.label.value.trim().slice(0, 80);
    this.#send({ type: "pin", start_s: startS, end_s: endS, label });
  }

  /** What goes up to the present goes up to the picture that came last, however little time the dialog was open. */
  #forget() {
    const [startS, endS] = this.#spanOf(this.#part("forgetform"));
    this.#send({ type: "forget", start_s: startS, end_s: this.#span ? endS : endS + 0.5 });
  }

  #send(message) {
    if (!this.#tools.connection.send({ ...message, watch: this.#tools.timeline().watch })) {
      this.refuse("There is no connection to Afterglow at this moment: nothing was done.");
    }
  }
}
