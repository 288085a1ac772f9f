// The camera as a reader of QR codes: one decode at a time, of the newest frame.
import { prepareZXingModule, readBarcodes } from "zxing-wasm/reader";

const OPTIONS = { formats: ["QRCode"], tryHarder: true, maxNumberOfSymbols: 1 };
const LONGEST_SIDE = 1280; // more pixels cost time and read nothing more
const BREATH_MS = 40;

export class Camera {
  /** `onCode(text)` is called for every frame in which a code was read. `facing`: environment (rear) or user (front). */
  constructor(video, wasmUrl, onCode, { facing = "environment" } = {}) {
    this.video = video;
    this.onCode = onCode;
    this.stream = null;
    this.facing = facing;
    this.canvas = document.createElement("canvas");
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.ready = Promise.resolve(
      prepareZXingModule({
        overrides: { locateFile: (path, prefix) => (path.endsWith(".wasm") ? wasmUrl : prefix + path) },
        fireImmediately: true,
      }),
    );
    this.ready.catch(() => {}); // start() reports it
  }

  get on() {
    return this.stream !== null;
  }

  /** Ask for the camera and begin to read. Raises with `name` as getUserMedia does; "Unsupported" or "Decoder" are ours. */
  async start() {
    this.stop();
    if (!navigator.mediaDevices?.getUserMedia) throw named("Unsupported");
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: { ideal: this.facing }, width: { min: 640, ideal: 1280 }, height: { ideal: 720 } },
    });
    this.stream = stream;
    this.video.srcObject = stream;
    await this.video.play();
    stream.getVideoTracks()[0].addEventListener("ended", () => this.stream === stream && this.stop());
    await this.ready.catch(() => {
      this.stop();
      throw named("Decoder");
    });
    this.#loop(stream);
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
  }

  get hasTorch() {
    return Boolean(this.#track?.getCapabilities?.().torch);
  }

  async torch(on) {
    await this.#track?.applyConstraints({ advanced: [{ torch: on }] });
  }

  /** More than one camera to choose from? Known only after permission. */
  async hasOther() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.filter((device) => device.kind === "videoinput").length > 1;
  }

  async other() {
    this.facing = this.facing === "environment" ? "user" : "environment";
    await this.start();
  }

  get #track() {
    return this.stream?.getVideoTracks()[0];
  }

  async #loop(stream) {
    while (this.stream === stream) {
      await this.#nextFrame();
      if (this.stream !== stream) return;
      try {
        const [found] = await readBarcodes(this.#grab(), OPTIONS);
        if (found?.text && this.stream === stream) this.onCode(found.text);
      } catch {
        // A frame that cannot be read is no news; the next one comes.
      }
      await new Promise((resolve) => setTimeout(resolve, BREATH_MS));
    }
  }

  #nextFrame() {
    return new Promise((resolve) => {
      if (this.video.requestVideoFrameCallback) {
        // A hidden page or a stalled stream delivers no frame: look again now and then.
        const timer = setTimeout(resolve, 1000);
        this.video.requestVideoFrameCallback(() => {
          clearTimeout(timer);
          resolve();
        });
      } else setTimeout(resolve, 60);
    });
  }

  #grab() {
    const { videoWidth, videoHeight } = this.video;
    const scale = Math.min(1, LONGEST_SIDE / Math.max(videoWidth, videoHeight, 1));
    const width = Math.max(1, Math.round(videoWidth * scale));
    const height = Math.max(1, Math.round(videoHeight * scale));
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    this.context.drawImage(this.video, 0, 0, width, height);
    return this.context.getImageData(0, 0, width, height);
  }
}

function named(name) {
  return Object.assign(new Error(name), { name });
}
