// The one WebSocket. It comes back by itself, and tells the server which page it belongs to.

const KEY = "afterglow-page";
const MAX_WAIT_MS = 8000;

export class Connection {
  #handlers = new Map();
  #socket = null;
  #waitMs = 500;

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Calls the handler for every message of this type; "picture" for binary ones, "lost" when the connection went. */
  on(type, handler) {
    this.#handlers.set(type, handler);
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/afterglow/socket`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.send({ type: "hello", key: recall() });
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = () => this.#comeBack();
    this.#socket = socket;
  }

  /** False: not connected, nothing was sent. */
  send(message) {
    return this.sendBytes(JSON.stringify(message));
  }

  sendBytes(data) {
    if (!this.isOpen) return false;
    this.#socket.send(data);
    return true;
  }

  #receive(data) {
    if (typeof data !== "string") {
      this.#handlers.get("picture")?.(data);
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "hello") {
      this.#waitMs = 500;
      remember(message.key);
    }
    this.#handlers.get(message.type)?.(message);
  }

  #comeBack() {
    this.#handlers.get("lost")?.();
    setTimeout(() => this.open(), this.#waitMs);
    this.#waitMs = Math.min(this.#waitMs * 2, MAX_WAIT_MS);
  }
}

// A tab keeps its key when it is loaded again; where the browser forbids storage, it begins anew.
function recall() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function remember(key) {
  try {
    sessionStorage.setItem(KEY, key);
  } catch {
    // begins anew next time
  }
}
