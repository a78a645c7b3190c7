// What to watch: the form under the picture, its Start and its Stop.

const BUSY = new Set(["starting", "running", "new"]);
const NOT_CONNECTED = "There is no connection to Afterglow at this moment. Is it still running?";
const PASSWORD = /^([a-z][a-z0-9+.-]*:\/\/[^/?#\s]*?:)[^\s]*(?=@[^@]*$)/i;

export class SourceForm {
  #root;
  #form;
  #start;
  #stop;
  #tools;
  #addressTyped = "";
  #isBusy = false;
  #isOpeningCamera = false;
  #sharedKind;
  #hasOffered = false;

  constructor(root, part, tools) {
    this.#sharedKind = part("shared-kind");
    this.#root = root;
    this.#form = part("source");
    this.#start = part("start");
    this.#stop = part("stop");
    this.#tools = tools;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#form.addEventListener("change", () => this.#showChoice());
    this.#form.elements.address.addEventListener("input", (event) => {
      this.#addressTyped = event.target.value;
    });
    this.#stop.addEventListener("click", () => {
      tools.camera.close();
      tools.connection.send({ type: "stop" });
    });
    this.#showChoice();
  }

  /** The names of the cameras that Afterglow watches for all. */
  offer(cameras) {
    const { shared, kind } = this.#form.elements;
    this.#sharedKind.hidden = cameras.length === 0;
    if ([...shared.options].map((option) => option.value).join() !== cameras.join()) {
      shared.replaceChildren(...cameras.map((name) => new Option(name, name)));
    }
    if (cameras.length && !this.#hasOffered) kind.value = "shared";
    else if (!cameras.length && kind.value === "shared") kind.value = "demo";
    this.#hasOffered = true;
    this.#showChoice();
  }

  follow(status) {
    this.#isBusy = BUSY.has(status.state);
    this.#tools.camera.follow(Boolean(status.takes_pictures) && this.#isBusy);
    if (!this.#isBusy && !this.#isOpeningCamera && status.takes_pictures) this.#tools.camera.close();
    this.#stop.hidden = !this.#isBusy;
    this.#start.textContent = this.#isBusy ? "Switch" : "Start";
  }

  /** The server says why it does not watch that. */
  refuse(sentence) {
    this.#tools.camera.close();
    this.#tools.status.problem(sentence);
  }

  #showChoice() {
    this.#root.dataset.kind = this.#form.elements.kind.value;
  }

  async #submit() {
    const { kind, shared, camera, file } = this.#form.elements;
    const { status } = this.#tools;
    status.problem("");
    if (kind.value === "shared") this.#join(shared.value);
    else if (kind.value === "demo") this.#watch({ kind: "demo" });
    else if (kind.value === "file") this.#watchNamed(file, file.value, "Type the path of a video first.");
    else if (kind.value === "address") this.#watchAddress();
    else if (camera.value !== "browser") this.#watch({ kind: "named", spec: camera.value });
    else await this.#watchBrowser();
  }

  #watch(choice) {
    if (choice.kind !== "browser") this.#tools.camera.close();
    if (!this.#tools.connection.send({ type: "start", ...choice })) {
      this.#tools.status.problem(NOT_CONNECTED);
    }
  }

  #join(camera) {
    this.#tools.camera.close();
    if (!this.#tools.connection.send({ type: "join", camera })) {
      this.#tools.status.problem(NOT_CONNECTED);
    }
  }

  #watchNamed(field, spec, hint) {
    if (spec.trim()) {
      this.#watch({ kind: "named", spec });
    } else {
      this.#tools.status.problem(hint);
      field.focus();
    }
  }

  /** A password is not left standing on the screen. */
  #watchAddress() {
    const field = this.#form.elements.address;
    this.#watchNamed(field, this.#addressTyped, "Type an address first, such as rtsp://camera.local/stream.");
    field.value = this.#addressTyped.replace(PASSWORD, "$1***");
  }

  async #watchBrowser() {
    this.#isOpeningCamera = true;
    try {
      await this.#tools.camera.open();
      this.#watch({ kind: "browser" });
    } catch (error) {
      this.#tools.camera.close();
      this.#tools.status.problem(error.message);
    } finally {
      this.#isOpeningCamera = false;
    }
  }
}
