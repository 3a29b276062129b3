// The camera's picture and its troubles. What the corners enclose is what the decoder sees.
import type { ComponentChildren, JSX } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { cameraAllowed, type Camera, type CameraTrouble } from "../camera.ts";
import { watch, type Decoder } from "../decoder.ts";
import { onReturn } from "../presence.ts";
import { words } from "../words.ts";
import { Icon } from "./icons.tsx";

interface Props {
  camera: Camera;
  decoder: Decoder;
  /** The cashier has just asked for it: open without a further tap. */
  eager: boolean;
  onOpened?: () => void;
  onText: (text: string) => void;
  paused?: boolean;
  children?: ComponentChildren;
}

type Picture = "unknown" | "off" | "starting" | "on" | CameraTrouble;

const TROUBLES: Record<CameraTrouble, string> = {
  refused: words.cameraRefused, missing: words.cameraMissing, busy: words.cameraBusy,
};

export function Viewfinder({ camera, decoder, eager, onOpened, onText, paused = false, children }: Props): JSX.Element {
  const video = useRef<HTMLVideoElement>(null);
  const [picture, setPicture] = useState<Picture>("unknown");

  const open = useCallback(async () => {
    setPicture((now) => (now === "on" ? now : "starting"));
    try {
      const stream = await camera.open();
      const screen = video.current;
      if (!screen) return;
      if (screen.srcObject !== stream) screen.srcObject = stream;
      await screen.play();
      setPicture("on");
      onOpened?.();
    } catch (reason) {
      setPicture(typeof reason === "string" ? (reason as CameraTrouble) : "busy");
    }
  }, [camera]);

  useEffect(() => {
    void (async () => {
      if (eager || camera.healthy() || (await cameraAllowed())) await open();
      else setPicture("off");
    })();
  }, [open]);

  // Phones take the camera away in a pause and often do not give it back by themselves.
  useEffect(() => {
    if (picture !== "on") return undefined;
    return onReturn(() => {
      if (!camera.healthy()) void open();
      else void video.current?.play();
    });
  }, [picture, open]);

  const latest = useRef(onText);
  latest.current = onText;
  useEffect(() => {
    if (picture !== "on" || paused || !video.current) return undefined;
    return watch(video.current, decoder, (text) => latest.current(text));
  }, [picture, paused, decoder]);

  const waiting = picture === "unknown" || picture === "starting";
  return (
    <div class={`viewfinder ${paused ? "paused" : ""}`} data-testid="viewfinder" data-camera={picture}>
      <video ref={video} muted playsInline aria-hidden="true" tabIndex={-1} />
      <span class="corners" aria-hidden="true"><i /><i /><i /><i /></span>
      {picture === "on" ? children : (
        <div class="viewfinder-message">
          <Icon name="camera" />
          <p>{waiting ? words.cameraStarting : picture === "off" ? words.cameraWhy : TROUBLES[picture]}</p>
          {!waiting && (
            <button type="button" class="primary" onClick={() => void open()} data-testid="open-camera">
              {picture === "off" ? words.cameraOpen : words.cameraRestart}
            </button>
          )}
        </div>
      )}
    </div>
  );
}
