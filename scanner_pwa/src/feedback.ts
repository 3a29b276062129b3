// Sounds and buzzes. Made with Web Audio, which a browser only allows after a tap; iPhones never vibrate, and the
// silent switch mutes everything: so these only confirm what the screen says.
import type { Feedback } from "./counter.ts";

let audio: AudioContext | null = null;

/** Called at the first tap anywhere. */
export function unlockSound(): void {
  try {
    audio ??= new AudioContext();
    void audio.resume();
  } catch {
    audio = null;
  }
}

export const feedback: Feedback = {
  tick() {
    buzz([30]);
    tone(1400, 0, 0.06);
  },
  accepted() {
    buzz([60, 40, 60]);
    tone(880, 0, 0.12);
    tone(1320, 0.12, 0.22);
  },
  offline() {
    buzz([60, 60, 120]);
    tone(660, 0, 0.12);
    tone(660, 0.16, 0.22);
  },
  refused() {
    buzz([250, 80, 250]);
    tone(220, 0, 0.22, "square");
    tone(165, 0.24, 0.35, "square");
  },
  unsure() {
    buzz([120]);
    tone(440, 0, 0.16);
    tone(440, 0.22, 0.16);
  },
};

function tone(hertz: number, after: number, seconds: number, shape: OscillatorType = "sine"): void {
  if (audio?.state !== "running") return;
  const start = audio.currentTime + after;
  const voice = audio.createOscillator();
  const volume = audio.createGain();
  voice.type = shape;
  voice.frequency.value = hertz;
  volume.gain.setValueAtTime(shape === "square" ? 0.12 : 0.3, start);
  volume.gain.exponentialRampToValueAtTime(0.001, start + seconds); // a soft end: a cut tone clicks
  voice.connect(volume).connect(audio.destination);
  voice.start(start);
  voice.stop(start + seconds);
}

function buzz(pattern: number[]): void {
  // Before the first tap browsers refuse, with a line in the console.
  if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(pattern);
}
