// The camera's picture and its troubles. What the corners enclose is what the decoder sees.
import type { ComponentChildren, JSX } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { cameraAllowed, type Camera, type CameraTrouble } from "../camera.ts";
import { watch, type Decoder } from "../decoder.ts";
import { readPhoto } from "../photo.ts";
import { onReturn } from "../presence.ts";
import * as words from "../words.ts";
import { Icon } from "./icons.tsx";

interface Eyes {
  camera: Camera;
  decoder: Decoder;
  onText: (text: string) => void;
}

interface Props extends Eyes {
  /** The cashier has just asked for it: open without a further tap. */
  eager: boolean;
  onOpened?: () => void;
  paused?: boolean;
  children?: ComponentChildren;
}

type Picture = "unknown" | "off" | "starting" | "on" | "blind" | CameraTrouble;

const MESSAGES: Record<Picture, string> = {
  unknown: words.cameraStarting, starting: words.cameraStarting, on: "", off: words.cameraWhy, blind: words.cameraBlind,
  refused: words.cameraRefused, missing: words.cameraMissing, busy: words.cameraBusy,
};
/** iOS gives a muted camera back a moment after the return, and asks again for a new one. */
const GIVEN_BACK_MS = 600;
const NOTHING_STAYS_MS = 8000;
/** Under a verdict the camera only waits for the next voucher: a few pictures a second, not for ever. */
const AWAIT_PAUSE_MS = 200;
const AWAIT_MS = 60_000;

export function Viewfinder({ camera, decoder, eager, onOpened, onText, paused = false, children }: Props): JSX.Element {
  const video = useRef<HTMLVideoElement>(null);
  const [camerasPicture, setPicture] = useState<Picture>("unknown");
  const [blind, setBlind] = useState(false);
  const picture = blind ? "blind" : camerasPicture;
  const [photo, setPhoto] = useState("");
  const [, redraw] = useState({});

  const open = useCallback(async () => {
    setPicture((now) => (now === "on" ? now : "starting"));
    try {
      await play(video.current, await camera.open());
      setPicture("on");
      onOpened?.();
    } catch (reason) {
      setPicture(typeof reason === "string" ? (reason as CameraTrouble) : "busy");
    }
  }, [camera]);
  const restart = (): void => {
    camera.close();
    setPicture("starting");
    void open();
  };

  useEffect(() => {
    void (async () => {
      if (eager || camera.healthy() || (await cameraAllowed())) await open();
      else setPicture("off");
    })();
    void decoder.works.then((works) => setBlind(!works));
  }, [open]);

  // Phones take the camera away in a pause and often do not give it back by themselves.
  useEffect(() => {
    if (picture !== "on") return undefined;
    return onReturn(() => setTimeout(() => {
      if (camera.healthy()) video.current?.play().catch(() => undefined);
      else void open();
    }, GIVEN_BACK_MS));
  }, [picture, open]);

  const latest = useRef(onText);
  latest.current = onText;
  const reading = photo === words.photoReading;
  useEffect(() => {
    if (picture !== "on" || paused || reading || !video.current) return undefined;
    return watch(video.current, decoder, (text) => latest.current(text), {
      onStill: () => (camera.healthy() ? setPicture("busy") : restart()),
    });
  }, [picture, paused, reading, decoder]);

  const onPhoto = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    setPhoto(words.photoReading);
    const text = await readPhoto(file, decoder);
    setPhoto(text === null ? words.photoNothing : "");
    if (text !== null) latest.current(text);
    else setTimeout(() => setPhoto((said) => (said === words.photoNothing ? "" : said)), NOTHING_STAYS_MS);
  };
  const chooser = useRef<HTMLInputElement>(null);
  const takePhoto = (): void => {
    setPhoto("");
    chooser.current?.click();
  };

  const on = picture === "on";
  const waiting = picture === "unknown" || picture === "starting";
  return (
    <div class={`viewfinder ${paused ? "paused" : ""}`} data-testid="viewfinder" data-camera={picture === "blind" ? "missing" : picture}>
      <video ref={video} muted playsInline aria-hidden="true" tabIndex={-1} />
      <span class="corners" aria-hidden="true"><i /><i /><i /><i /></span>
      {on && !paused && (
        <div class="tools">
          {camera.torch !== null && (
            <Tool name="torch" word={words.torch} pressed={camera.torch}
              onClick={() => void camera.switchTorch().then(() => redraw({}))} />
          )}
          {camera.lenses.length > 1 && (
            <Tool name="lens" word={words.lensShort} label={words.lens} onClick={() => { camera.nextLens(); restart(); }} />
          )}
          <Tool name="photo" word={words.photoShort} label={words.photo} onClick={takePhoto} />
          <Tool name="undo" word={words.restartShort} label={words.cameraRestart} onClick={restart} />
        </div>
      )}
      <input ref={chooser} type="file" accept="image/*" capture="environment" hidden data-testid="photo-file"
        onChange={({ currentTarget }) => {
          void onPhoto(currentTarget.files?.[0]);
          currentTarget.value = ""; // the same file may be chosen again
        }} />
      {on ? children : (
        <div class="viewfinder-message">
          <Icon name="camera" />
          <p>{photo || MESSAGES[picture]}</p>
          {!waiting && !reading && picture !== "blind" && <>
            <button class="primary" onClick={picture === "off" ? () => void open() : restart} data-testid="open-camera">
              {picture === "off" ? words.cameraOpen : words.cameraRestart}
            </button>
            {picture !== "off" && <button class="primary" onClick={takePhoto} data-testid="take-photo">{words.photo}</button>}
          </>}
        </div>
      )}
      {on && photo && <p class="note" role="status" data-testid="photo-note">{photo}</p>}
    </div>
  );
}

/** Looks on under another screen, where the camera is already open: the next voucher needs no tap. */
export function NextVoucher({ camera, decoder, onText }: Eyes): JSX.Element {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    let stop = (): void => undefined;
    let gone = !camera.healthy();
    const leave = (): void => {
      gone = true;
      stop();
    };
    if (!gone) {
      void camera.open().then((stream) => play(video.current, stream)).then(() => {
        if (!gone && video.current) stop = watch(video.current, decoder, onText, { pauseMs: AWAIT_PAUSE_MS, onStill: leave });
      }, leave);
    }
    const timer = setTimeout(leave, AWAIT_MS);
    return () => {
      clearTimeout(timer);
      leave();
    };
  }, [camera]);
  return <video ref={video} class="unseen" muted playsInline aria-hidden="true" tabIndex={-1} />;
}

function Tool({ name, word, label, pressed, onClick }: {
  name: "torch" | "lens" | "photo" | "undo"; word: string; label?: string; pressed?: boolean; onClick: () => void;
}): JSX.Element {
  return (
    <button aria-label={label} aria-pressed={pressed} onClick={onClick} data-testid={`camera-${name}`}>
      <Icon name={name} />{word}
    </button>
  );
}

async function play(screen: HTMLVideoElement | null, stream: MediaStream): Promise<void> {
  if (!screen) return;
  if (screen.srcObject !== stream) screen.srcObject = stream;
  await screen.play();
}
