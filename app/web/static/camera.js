// The camera of this browser: its pictures go up as JPEGs, each when the one before was acknowledged.

import { PACKETS } from "./connection.js";

const MAX_SIDE_PX = 960;
const PERIOD_MS = 40;
const QUALITY = 0.8;

export class Camera {
  #connection;
  #onProblem;
  #stream = null;
  #video = document.createElement("video");
  #canvas = document.createElement("canvas");
  #isWaiting = false;
  #timer = 0;
  #takesPictures = false;

  constructor(connection, onProblem) {
    this.#connection = connection;
    this.#onProblem = onProblem;
    this.#video.muted = true;
    this.#video.playsInline = true;
  }

  /** Asks the user for the camera. Throws an Error whose message is a sentence for the user. */
  async open() {
    this.close();
    if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) throw new Error(insecureSentence());
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 }, facingMode: "environment" },
      });
    } catch (error) {
      throw new Error(sentenceFor(error), { cause: error });
    }
    this.#stream.getVideoTracks()[0].addEventListener("ended", () => this.#unplugged());
    this.#video.srcObject = this.#stream;
    await this.#video.play();
    this.#isWaiting = false;
    this.#timer = setInterval(() => this.#shoot(), PERIOD_MS);
  }

  close() {
    clearInterval(this.#timer);
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#video.srcObject = null;
  }

  /** Whether the server wants pictures at all. */
  follow(takesPictures) {
    this.#takesPictures = takesPictures;
  }

  acknowledged() {
    this.#isWaiting = false;
  }

  #shoot() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    if (this.#isWaiting || !width || !this.#takesPictures || !this.#connection.isOpen) return;
    const scale = Math.min(1, MAX_SIDE_PX / Math.max(width, height));
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    this.#canvas.getContext("2d").drawImage(this.#video, 0, 0, this.#canvas.width, this.#canvas.height);
    this.#isWaiting = true;
    this.#canvas.toBlob((blob) => this.#sendUp(blob), "image/jpeg", QUALITY);
  }

  #sendUp(blob) {
    if (!blob || !this.#connection.sendPacket(PACKETS.picture, 0, blob)) this.#isWaiting = false;
  }

  #unplugged() {
    this.close();
    this.#connection.send({ type: "stop" });
    this.#onProblem("The camera was unplugged or taken away. You can still ask about what was seen.");
  }
}

function insecureSentence() {
  const here = `http://127.0.0.1:${location.port || 80}`;
  return `The browser opens its camera to secure pages only. On the computer that runs Afterglow, open ${here}.`;
}

function sentenceFor(error) {
  if (error.name === "NotAllowedError" || error.name === "SecurityError")
    return "The browser was not permitted to use the camera. Allow it beside the address of this page, then press Start again.";
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError")
    return "The browser found no camera. Plug one in, or choose the demo clip, a file or an address.";
  if (error.name === "NotReadableError" || error.name === "AbortError")
    return "The camera could not be opened: another program may be using it. Close that program, then press Start again.";
  return `The camera could not be opened (${error.name}).`;
}
