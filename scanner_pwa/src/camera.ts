// One camera stream for the whole session: iOS asks for permission again at each opening, and a second opening kills
// the first. The stream therefore outlives the screens; only a dead one is opened anew.

export type CameraTrouble = "refused" | "missing" | "busy";

export class Camera {
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
    const track = this.stream?.getVideoTracks()[0];
    return track !== undefined && track.readyState === "live" && !track.muted;
  }

  close(): void {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
  }

  private async start(): Promise<MediaStream> {
    this.close();
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        // Pixels per module decide whether a code reads: at 640x480 a 25 mm code is lost beyond 25 cm.
        video: { facingMode: "environment", width: { ideal: 1920 }, height: { ideal: 1080 } },
      });
    } catch (reason) {
      throw troubleOf(reason);
    }
    await keepFocusing(this.stream.getVideoTracks()[0]);
    return this.stream;
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

async function keepFocusing(track: MediaStreamTrack | undefined): Promise<void> {
  const able = track?.getCapabilities?.() as { focusMode?: string[] } | undefined;
  if (!able?.focusMode?.includes("continuous")) return;
  const wish = { advanced: [{ focusMode: "continuous" }] } as unknown as MediaTrackConstraints;
  await track?.applyConstraints(wish).catch(() => undefined);
}

function troubleOf(reason: unknown): CameraTrouble {
  const name = reason instanceof DOMException ? reason.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "refused";
  return name === "NotFoundError" || !navigator.mediaDevices ? "missing" : "busy";
}
