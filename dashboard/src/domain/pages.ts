/** A page of the navigation. */
export interface PageEntry {
  readonly to: '/' | '/fleet' | '/tasks' | '/alerts' | '/repairs' | '/events' | '/traces';
  readonly name: string;
  /** Goes there when it is typed after `g`. */
  readonly letter: string;
}

export const PAGES: readonly PageEntry[] = [
  { to: '/', name: 'Overview', letter: 'o' },
  { to: '/fleet', name: 'Fleet', letter: 'f' },
  { to: '/tasks', name: 'Tasks', letter: 't' },
  { to: '/alerts', name: 'Alerts', letter: 'a' },
  { to: '/repairs', name: 'Repairs', letter: 'r' },
  { to: '/events', name: 'Events', letter: 'e' },
  { to: '/traces', name: 'Traces', letter: 'x' },
];
