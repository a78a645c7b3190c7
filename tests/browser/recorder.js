// Hears what the page plays: everything that is connected to a destination also goes through a worklet, which notes the
// loudest sample of every render quantum with its time. `afterglowHeard` is told in batches; no timer is involved.
(() => {
  const heard = [];
  const marks = [];
  const code = `registerProcessor("recorder", class extends AudioWorkletProcessor {
    process(inputs, outputs) {
      let peak = 0;
      for (const channel of inputs[0]) for (const value of channel) peak = Math.max(peak, Math.abs(value));
      this.port.postMessage([currentTime, peak]);
      return true;
    }
  });`;
  const nodes = new WeakMap();
  const connect = AudioNode.prototype.connect;
  function recorderOf(context) {
    if (!nodes.has(context)) {
      const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
      nodes.set(context, context.audioWorklet.addModule(url).then(() => {
        const node = new AudioWorkletNode(context, "recorder");
        node.port.onmessage = ({ data }) => heard.push(data);
        connect.call(node, context.destination);
        window.recorderIsReady = true;
        return node;
      }));
    }
    return nodes.get(context);
  }
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode) {
      window.recordedContext = this.context;
      recorderOf(this.context).then((node) => connect.call(this, node));
    }
    return connect.call(this, target, ...rest);
  };
  for (const kind of ["keydown", "pointerdown"]) {
    window.addEventListener(kind, () => window.recordedContext && marks.push(window.recordedContext.currentTime), true);
  }
  window.recorded = () => ({ heard, marks });
})();
