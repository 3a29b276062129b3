// The frame of the quiet pages: a way back, a title that takes the focus, the content, the actions at the thumb.
import type { ComponentChildren, JSX, RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import * as words from "../words.ts";
import { Icon } from "./icons.tsx";

interface Props {
  title: string;
  screen: string;
  onBack?: () => void;
  children: ComponentChildren;
  actions?: ComponentChildren;
}

/** A second tap of an impatient thumb would land on whatever button has just appeared there. */
const SETTLING_MS = 400;

/** The actions of a page, deaf for a moment. */
export function Actions({ children, class: name }: { children: ComponentChildren; class: string }): JSX.Element {
  const [settled, setSettled] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(true), SETTLING_MS);
    return () => clearTimeout(timer);
  }, []);
  return <footer class={settled ? name : `${name} settling`}>{children}</footer>;
}

/** The reader of a blind cashier starts at the new title, not at a button that is gone. */
export function useTitle(title: string): RefObject<HTMLHeadingElement | null> {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [title]);
  return heading;
}

export function Page({ title, screen, onBack, children, actions }: Props): JSX.Element {
  const heading = useTitle(screen);
  return (
    <main class="page" data-testid={`screen-${screen}`}>
      <header class="page-head">
        {onBack && (
          <button type="button" class="square" onClick={onBack} aria-label={words.back} data-testid="back">
            <Icon name="back" />
          </button>
        )}
        <h1 ref={heading} tabIndex={-1}>{title}</h1>
      </header>
      <div class="page-body">{children}</div>
      {actions && <Actions class="page-actions">{actions}</Actions>}
    </main>
  );
}
