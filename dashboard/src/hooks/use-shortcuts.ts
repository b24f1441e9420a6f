import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { shortcutOf, type Press, type Shortcut } from '../domain/shortcuts.ts';
import { moveRow, openRow, pressKeyed } from './row-focus.ts';

export interface ShortcutActs {
  readonly onPalette: () => void;
  readonly onHelp: () => void;
}

/** Does what keys mean anywhere on the page. */
export function useShortcuts({ onPalette, onHelp }: ShortcutActs): void {
  const navigate = useNavigate();
  const awaitingSince = useRef<number | null>(null);
  useEffect(() => {
    const act = (shortcut: Shortcut, atMs: number): void => {
      switch (shortcut.kind) {
        case 'palette':
          return onPalette();
        case 'help':
          return onHelp();
        case 'await':
          awaitingSince.current = atMs;
          return;
        case 'go':
          return void navigate({ to: shortcut.to });
        case 'move':
          return moveRow(shortcut.by);
        case 'open':
          return openRow();
        case 'press':
          return pressKeyed(shortcut.key);
      }
    };
    const onKeyDown = (event: KeyboardEvent): void => {
      const press = pressOf(event);
      const shortcut = shortcutOf(press, awaitingSince.current);
      awaitingSince.current = null;
      if (shortcut === null || event.defaultPrevented) return;
      event.preventDefault();
      act(shortcut, press.atMs);
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, [navigate, onPalette, onHelp]);
}

const TEXT_FIELD = 'input:not([type="radio"], [type="checkbox"]), textarea, select';

function pressOf(event: KeyboardEvent): Press {
  const { key, ctrlKey, metaKey, altKey, timeStamp } = event;
  const field = event.target instanceof HTMLElement ? event.target : null;
  return {
    key,
    hasModifier: ctrlKey || metaKey || altKey,
    isCommand: (ctrlKey || metaKey) && !altKey,
    isTyping: field !== null && (field.isContentEditable || field.closest(TEXT_FIELD) !== null),
    isInDialog: document.querySelector('dialog[open], [role="dialog"]') !== null,
    atMs: timeStamp,
  };
}
