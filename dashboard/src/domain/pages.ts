/** A page that can be gone to by a letter. */
export interface PageEntry {
  readonly to:
    | '/'
    | '/fleet'
    | '/tasks'
    | '/alerts'
    | '/alerts/rules'
    | '/alerts/silences'
    | '/alerts/routes'
    | '/alerts/on-call'
    | '/repairs'
    | '/events'
    | '/traces';
  readonly name: string;
  /** Goes there when it is typed after `g`. */
  readonly letter: string;
  /** The page of the navigation that it belongs to, beside whose own view it stands; absent: it is one itself. */
  readonly within?: '/alerts';
}

export const PAGES: readonly PageEntry[] = [
  { to: '/', name: 'Overview', letter: 'o' },
  { to: '/fleet', name: 'Fleet', letter: 'f' },
  { to: '/tasks', name: 'Tasks', letter: 't' },
  { to: '/alerts', name: 'Alerts', letter: 'a' },
  { to: '/alerts/rules', name: 'Rules', letter: 'u', within: '/alerts' },
  { to: '/alerts/silences', name: 'Silences', letter: 's', within: '/alerts' },
  { to: '/alerts/routes', name: 'Routes and receivers', letter: 'n', within: '/alerts' },
  { to: '/alerts/on-call', name: 'On call', letter: 'c', within: '/alerts' },
  { to: '/repairs', name: 'Repairs', letter: 'r' },
  { to: '/events', name: 'Events', letter: 'e' },
  { to: '/traces', name: 'Traces', letter: 'x' },
];
