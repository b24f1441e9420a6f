/** Whatever `j` and `k` stop at carries this attribute: `<li data-row>`, or a link that is a row by itself. */
const ROW = '[data-row]';

/** Moves the focus to the next or previous row of the page's lists, from the first or last on; none further. */
export function moveRow(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>(`main ${ROW}`)].filter(
    (row) => row.offsetParent !== null,
  );
  const focused = document.activeElement?.closest<HTMLElement>(ROW) ?? null;
  const at = focused === null ? -1 : rows.indexOf(focused);
  const next = at === -1 ? rows[by === 1 ? 0 : rows.length - 1] : rows[at + by];
  if (next === undefined) return;
  // What takes no focus by itself takes it by these keys alone.
  if (next.tabIndex < 0) next.tabIndex = -1;
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: 'nearest' });
}

/** Follows the link of the row that has the focus: the row itself, or the first in it. */
export function openRow(): void {
  const row = document.activeElement?.closest<HTMLElement>(ROW) ?? null;
  const link = row?.matches('a') ? row : row?.querySelector<HTMLElement>('a');
  link?.click();
}

/**
 * Presses what carries `data-key` with this key: what stands for the whole page or a selection, and where there is nothing of
 * that kind, what is in the row that has the focus.
 */
export function pressKeyed(key: string): void {
  const keyed = [...document.querySelectorAll<HTMLElement>(`main [data-key="${key}"]`)].filter(
    (one) => one.offsetParent !== null,
  );
  const focused = document.activeElement?.closest(ROW) ?? null;
  const pressed =
    keyed.find((one) => one.closest(ROW) === null) ?? keyed.find((one) => focused?.contains(one) === true);
  pressed?.click();
}
