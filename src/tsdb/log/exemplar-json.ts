import type { Exemplar } from '#telemetry';
import type { SeriesNumber } from '../index/series-rows.ts';
import { numberOrName } from './number-names.ts';

/** An exemplar as log and snapshot keep it. */
export interface LoggedExemplar {
  readonly series: SeriesNumber;
  readonly exemplar: Exemplar;
}

/**
 * The payload of a record: JSON, a list of {ref, exemplar}, where `ref` is the number of the series. A value that JSON has no number for is there by its name.
 */
export function exemplarsPayload(exemplars: readonly LoggedExemplar[]): Uint8Array {
  const named = exemplars.map(({ series, exemplar }) => ({
    ref: series,
    exemplar: { ...exemplar, value: numberOrName(exemplar.value) },
  }));
  return Buffer.from(JSON.stringify(named));
}

/** What `exemplarsPayload` wrote. Its shape is not checked: this program wrote it, under a checksum. */
export function readExemplars(payload: Uint8Array): LoggedExemplar[] {
  const named = JSON.parse(Buffer.from(payload).toString('utf8')) as readonly {
    readonly ref: SeriesNumber;
    readonly exemplar: Omit<Exemplar, 'value'> & { readonly value: number | string | null };
  }[];
  return named.map(({ ref, exemplar }) => ({
    series: ref,
    // Earlier versions wrote null for each of the values that have a name now.
    exemplar: { ...exemplar, value: exemplar.value === null ? Number.NaN : Number(exemplar.value) },
  }));
}
