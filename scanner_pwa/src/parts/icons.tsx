// Drawn here, each with its own outline: a verdict is known by its shape as well as by its colour.
import type { JSX } from "preact";

type IconName = "check" | "cross" | "foreign" | "question" | "undo" | "camera" | "keyboard" | "list" | "back" | "basket"
  | "offline" | "plus" | "speech"
  | "clock" | "warning" | "person" | "torch" | "lens" | "photo";

const SHAPES: Record<IconName, JSX.Element> = {
  check: <path d="M4 12.5l5.5 5.5L20 7" />,
  cross: <path d="M5 5l14 14M19 5L5 19" />,
  foreign: <><circle cx="12" cy="12" r="8.5" /><path d="M6 18L18 6" /></>,
  question: <><path d="M8.5 9a3.6 3.6 0 1 1 5.4 3.1c-1.2.7-1.9 1.4-1.9 2.9" /><path d="M12 18.6v.1" /></>,
  undo: <><path d="M8.5 5L4 9.5 8.5 14" /><path d="M4.5 9.5H14a5.5 5.5 0 0 1 0 11h-3" /></>,
  camera: <><rect x="3" y="7" width="18" height="13" rx="2.5" /><circle cx="12" cy="13.5" r="3.6" /><path d="M8.5 7l1.4-2.5h4.2L15.5 7" /></>,
  keyboard: <><rect x="2.5" y="6" width="19" height="12" rx="2" /><path d="M6 10h.1M10 10h.1M14 10h.1M18 10h.1M8 14.200h8" /></>,
  list: <path d="M9 6h11M9 12h11M9 18h11M4.5 6h.1M4.5 12h.1M4.5 18h.1" />,
  back: <path d="M14.5 5L8 12l6.5 7" />,
  basket: <><path d="M3.5 10h17l-1.8 9.500H5.300z" /><path d="M8 10l3-6M16 10l-3-6" /></>,
  offline: <><path d="M3 9.500a13 13 0 0 1 18 0M6.5 13.200a8 8 0 0 1 11 0M10 16.800a3 3 0 0 1 4 0" /><path d="M4 3.500l16 17" /></>,
  plus: <path d="M12 5v14M5 12h14" />,
  clock: <><circle cx="12" cy="12" r="9" /><path d="M12 7v5.5l4 2.500" /></>,
  warning: <><path d="M12 4l9.500 16.500h-19z" /><path d="M12 10v5M12 17.800v.1" /></>,
  person: <><circle cx="12" cy="8" r="4" /><path d="M4.5 20a7.5 7.500 0 0 1 15 0" /></>,
  torch: <path d="M13 3L6 13.500h5L10 21l8-11h-5.500z" />,
  lens: <><path d="M4 9a8.500 8.500 0 0 1 15-1.500M20 15a8.500 8.500 0 0 1-15 1.500M19.500 3v5h-5M4.500 21v-5h5" /><circle cx="12" cy="12" r="2.500" /></>,
  photo: <path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5M8.500 8.500h2v2h-2zM13.500 8.500h2v2h-2zM8.500 13.500h2v2h-2zM14 14l1.500 1.500" />,
  speech: <path d="M4 5h16v11H11l-4.5 4v-4H4z" />,
};

export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {SHAPES[name]}
    </svg>
  );
}
