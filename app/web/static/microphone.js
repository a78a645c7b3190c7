// The microphone of this browser: frames of a fiftieth of a second while it is open.

export class Microphone {
  #stream = null;
  #context = null;
  #onFrame;
  #onLost;

  /** onFrame(samples, level): 16-bit mono. onLost(sentence): it was taken away. */
  constructor(onFrame, onLost) {
    this.#onFrame = onFrame;
    this.#onLost = onLost;
  }

  get isOpen() {
    return this.#context !== null;
  }

  get rate() {
    return this.#context?.sampleRate ?? 0;
  }

  /** Asks the user for it. Throws an Error whose message is a sentence for the user. */
  async open() {
    if (this.isOpen) return;
    if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia || !window.AudioWorkletNode)
      throw new Error(insecureSentence());
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({
        video: false,
        audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
      });
    } catch (error) {
      throw new Error(sentenceFor(error), { cause: error });
    }
    this.#stream.getAudioTracks()[0].addEventListener("ended", () => {
      this.close();
      this.#onLost("The microphone was unplugged or taken away. Plug it in and press the button again.");
    });
    await this.#listen();
  }

  close() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#context?.close();
    this.#stream = null;
    this.#context = null;
  }

  async #listen() {
    const context = new AudioContext();
    this.#context = context;
    await context.audioWorklet.addModule("/afterglow/static/capture_worklet.js");
    if (this.#context !== context) return; // closed meanwhile
    const capture = new AudioWorkletNode(context, "afterglow-capture", { channelCount: 1, channelCountMode: "explicit" });
    capture.port.onmessage = ({ data }) => this.isOpen && this.#onFrame(data.samples, data.level);
    context.createMediaStreamSource(this.#stream).connect(capture);
    capture.connect(context.destination); // it gives nothing; without an end nothing would run
    await context.resume();
  }
}

function insecureSentence() {
  const here = `http://127.0.0.1:${location.port || 80}`;
  return `The browser opens its microphone to secure pages only. On the computer that runs Afterglow, open ${here}; or type.`;
}

function sentenceFor(error) {
  if (error.name === "NotAllowedError" || error.name === "SecurityError")
    return "The browser was not permitted to use the microphone. Allow it beside the address of this page, or type.";
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError")
    return "The browser found no microphone. Plug one in, or type the question.";
  if (error.name === "NotReadableError" || error.name === "AbortError")
    return "The microphone could not be opened: another program may be using it. Close that program, or type.";
  return `The microphone could not be opened (${error.name}). Type the question instead.`;
}
