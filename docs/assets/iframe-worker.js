// Search in pages that are opened from disk: browsers start no worker from file:, so its script runs in a hidden frame.
// Material's search script looks for `parent.IFrameWorker` and for its own address in the frame's first script.
if (location.protocol === "file:") {
  window.IFrameWorker = window.Worker = class extends EventTarget {
    constructor(address) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      document.body.append(frame)
      const inner = frame.contentWindow
      inner.document.open()
      inner.document.write("<!doctype html><body></body>")
      inner.document.close()
      inner.postMessage = data => {
        const event = new MessageEvent("message", { data })
        this.dispatchEvent(event)
        if (this.onmessage) this.onmessage(event)
      }
      const load = source => new Promise((done, fail) => {
        const script = inner.document.createElement("script")
        Object.assign(script, { src: source, onload: done, onerror: fail })
        inner.document.body.append(script)
      })
      inner.importScripts = (...sources) => sources.reduce((before, s) => before.then(() => load(s)), Promise.resolve())
      this.inner = inner
      this.ready = load(`${address}`)
    }

    postMessage(data) {
      this.ready.then(() => this.inner.dispatchEvent(new MessageEvent("message", { data: structuredClone(data) })))
    }

    terminate() { this.inner.frameElement.remove() }
  }
}
