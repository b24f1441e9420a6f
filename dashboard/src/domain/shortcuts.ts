import { PAGES, type PageEntry } from './pages.ts';

/** A key that was pressed, and where. */
export interface Press {
  readonly key: string;
  /** Control, Command or Alt is held down. */
  readonly hasModifier: boolean;
  /** Control or Command alone is held down. */
  readonly isCommand: boolean;
  /** In a field that takes text: what is typed there is text. */
  readonly isTyping: boolean;
  /** A dialog is open, which has the keyboard to itself. */
  readonly isInDialog: boolean;
  readonly atMs: number;
}

export type Shortcut =
  | { readonly kind: 'palette' }
  | { readonly kind: 'help' }
  /** A letter that names a page is awaited. */
  | { readonly kind: 'await' }
  | { readonly kind: 'go'; readonly to: PageEntry['to'] }
  | { readonly kind: 'move'; readonly by: 1 | -1 }
  /** Opens the row that has the focus. */
  | { readonly kind: 'open' }
  /** Presses what stands for the key, on the row that has the focus or on what is selected. */
  | { readonly kind: 'press'; readonly key: PressedKey };

/** Selects an alert; acknowledges and silences it, or all that are selected. */
export type PressedKey = 'x' | 'a' | 's';

/** Who types `g` and thinks about it does not go anywhere by the next key. */
const AWAIT_MS = 1_500;

/** What a key means. @param awaitingSinceMs when `g` was pressed before it; null: another key, or none, was */
export function shortcutOf(press: Press, awaitingSinceMs: number | null): Shortcut | null {
  const { key, hasModifier, isCommand, isTyping, isInDialog, atMs } = press;
  if (isTyping || isInDialog) return null;
  if (isCommand) return key.toLowerCase() === 'k' ? { kind: 'palette' } : null;
  if (hasModifier) return null;
  if (awaitingSinceMs !== null && atMs - awaitingSinceMs <= AWAIT_MS) {
    const page = PAGES.find(({ letter }) => letter === key);
    if (page) return { kind: 'go', to: page.to };
  }
  return SIMPLE.get(key) ?? null;
}

const SIMPLE: ReadonlyMap<string, Shortcut> = new Map<string, Shortcut>([
  ['?', { kind: 'help' }],
  ['/', { kind: 'palette' }],
  ['g', { kind: 'await' }],
  ['j', { kind: 'move', by: 1 }],
  ['k', { kind: 'move', by: -1 }],
  ['o', { kind: 'open' }],
  ['x', { kind: 'press', key: 'x' }],
  ['a', { kind: 'press', key: 'a' }],
  ['s', { kind: 'press', key: 's' }],
]);

/** The keys and what they do, for who asks. */
export const SHORTCUT_HELP: readonly (readonly [keys: readonly string[], what: string])[] = [
  [['⌘ K', 'Ctrl K', '/'], 'find a page, an agent, an alert or an action'],
  [['j', 'k'], 'next and previous row of the lists'],
  [['o'], 'open the row'],
  [['x'], 'select the alert'],
  [['a', 's'], 'acknowledge, silence: the alert, or those that are selected'],
  [['Esc'], 'close what is open'],
  [['?'], 'these keys'],
  ...PAGES.map(({ letter, name }) => [[`g ${letter}`], name] as const),
];
