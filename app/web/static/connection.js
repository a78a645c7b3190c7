// The one WebSocket. It comes back by itself, and tells the server which page it belongs to.

const KEY = "afterglow-page";
const MAX_WAIT_MS = 8000;
const HEADER_BYTES = 8;
const PACKET_NAMES = { 1: "picture", 2: "speech_audio" };

/** Kinds of binary messages; app/web/packets.py is their twin. */
export const PACKETS = { picture: 1, voice: 3 };

export class Connection {
  #handlers = new Map();
  #socket = null;
  #waitMs = 500;

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Calls the handler for every message of this type; "picture" and "speech_audio" (payload, number) for
   *  binary ones, "lost" when the connection went. */
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
    return this.#sendRaw(JSON.stringify(message));
  }

  /** A binary message: what it is, what it belongs to, and its payload (a Blob, a buffer or a view of one). */
  sendPacket(kind, number, payload) {
    const header = new DataView(new ArrayBuffer(HEADER_BYTES));
    header.setUint32(0, kind);
    header.setUint32(4, number);
    return this.#sendRaw(new Blob([header, payload]));
  }

  #sendRaw(data) {
    if (!this.isOpen) return false;
    this.#socket.send(data);
    return true;
  }

  #receive(data) {
    if (typeof data !== "string") {
      const header = new DataView(data, 0, HEADER_BYTES);
      const handler = this.#handlers.get(PACKET_NAMES[header.getUint32(0)]);
      handler?.(data.slice(HEADER_BYTES), header.getUint32(4));
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
