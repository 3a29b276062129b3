// One camera stream for the whole session: iOS asks for permission again at each opening, and a second opening kills
// the first. The stream therefore outlives the screens; only a dead one is opened anew.

export type CameraTrouble = "refused" | "missing" | "busy";

/** Of phones with several lenses some open a wide one that never gets a voucher sharp: the choice is remembered. */
const LENS = "lens";

interface Able { focusMode?: string[]; torch?: boolean }

export class Camera {
  /** Of the open stream: null where there is no lamp. */
  torch: boolean | null = null;
  /** Lenses at the back, known only once one is open. */
  lenses: readonly string[] = [];
  private lens = remembered();
  private stream: MediaStream | null = null;
  private opening: Promise<MediaStream> | null = null;

  /** Rejects with a `CameraTrouble`. */
  open(): Promise<MediaStream> {
    if (this.stream && this.healthy()) return Promise.resolve(this.stream);
    this.opening ??= this.start().finally(() => { this.opening = null; });
    return this.opening;
  }

  /** False after a pause that cost us the camera: the track ended, or iOS keeps it muted and black. */
  healthy(): boolean {
    const track = this.track;
    return track !== undefined && track.readyState === "live" && !track.muted;
  }

  close(): void {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.torch = null;
  }

  async switchTorch(): Promise<void> {
    const on = !this.torch;
    if (await wish(this.track, { torch: on })) this.torch = on;
  }

  /** Takes the next lens at the back; the caller opens again. */
  nextLens(): void {
    const at = this.lenses.indexOf(this.track?.getSettings().deviceId ?? "");
    this.choose(this.lenses[(at + 1) % this.lenses.length] ?? "");
    this.close();
  }

  private get track(): MediaStreamTrack | undefined {
    return this.stream?.getVideoTracks()[0];
  }

  private choose(lens: string): void {
    this.lens = lens;
    remember(lens);
  }

  private async start(): Promise<MediaStream> {
    this.close();
    const { lens } = this;
    try {
      this.stream = await this.ask(lens ? { deviceId: { exact: lens } } : { facingMode: "environment" });
    } catch (reason) {
      // The remembered lens may be gone, or be called otherwise since.
      if (!lens || troubleOf(reason) === "refused") throw troubleOf(reason);
      this.choose("");
      return this.start();
    }
    const track = this.track;
    const able = (track?.getCapabilities?.() ?? {}) as Able;
    if (able.focusMode?.includes("continuous")) await wish(track, { focusMode: "continuous" });
    this.torch = able.torch ? false : null;
    this.lenses = await lensesAtTheBack();
    return this.stream;
  }

  private ask(which: MediaTrackConstraints): Promise<MediaStream> {
    // Pixels per module decide whether a code reads: at 640x480 a 25 mm code is lost beyond 25 cm.
    const video = { ...which, width: { ideal: 1920 }, height: { ideal: 1080 } };
    return navigator.mediaDevices.getUserMedia({ audio: false, video });
  }
}

/** True when the camera may be opened without a question popping up. */
export async function cameraAllowed(): Promise<boolean> {
  try {
    return (await navigator.permissions.query({ name: "camera" as PermissionName })).state === "granted";
  } catch {
    return false; // Firefox and older Safari do not answer this question
  }
}

async function lensesAtTheBack(): Promise<string[]> {
  const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  return devices.filter(({ kind, label }) => kind === "videoinput" && !/front|avant|user/i.test(label))
    .map(({ deviceId }) => deviceId);
}

async function wish(track: MediaStreamTrack | undefined, what: { torch?: boolean; focusMode?: string }): Promise<boolean> {
  try {
    await track?.applyConstraints({ advanced: [what as MediaTrackConstraintSet] });
    return track !== undefined;
  } catch {
    return false;
  }
}

function remembered(): string {
  try {
    return localStorage.getItem(LENS) ?? "";
  } catch {
    return ""; // storage refused: the choice lasts as long as the page
  }
}

function remember(lens: string): void {
  try {
    if (lens) localStorage.setItem(LENS, lens);
    else localStorage.removeItem(LENS);
  } catch {
    // see above
  }
}

function troubleOf(reason: unknown): CameraTrouble {
  const name = reason instanceof DOMException ? reason.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "refused";
  return name === "NotFoundError" || !navigator.mediaDevices ? "missing" : "busy";
}
