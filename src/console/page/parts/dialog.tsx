// A native modal dialog: the browser keeps the focus in it, Esc closes it, and the focus returns to where it was.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { dialog } from '../state.ts';

export function closeDialog(): void {
  dialog.value = undefined;
}

export function Dialog({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ComponentChildren;
}) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={element} aria-labelledby="dialog-title" onClose={closeDialog}>
      <header class="row spread">
        <h2 id="dialog-title">{title}</h2>
        <button type="button" class="quiet" onClick={closeDialog} aria-label="Close">
          ✕
        </button>
      </header>
      {children}
    </dialog>
  );
}
