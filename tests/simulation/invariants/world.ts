import type { Invariant } from './observation.ts';

/** 12 */
export const brokenFilesChangeNothing: Invariant = ({ ledger }) => ledger.brokenFilesTaken.at(-1) ?? null;

/** Callers see errors of the catalogue alone. */
export const noCallEndsInASurprise: Invariant = ({ ledger }) => ledger.surprises.at(-1) ?? null;
