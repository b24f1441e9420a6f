import type { Exemplar } from '#telemetry';
import { WIRE_BYTES, WIRE_FIXED64, type WireReader } from '../../wire-reader.ts';
import { attributeProblem, labelText, readKeyValue, TOO_DEEP, type ElementBudget } from '../attributes.ts';
import { readId, SPAN_ID_BYTES, TRACE_ID_BYTES, type WrongId } from '../ids.ts';
import { maxTextBytes } from '../limits.ts';
import type { Refusals } from '../refusals.ts';
import { millisecondsAt, signed64At } from '../wire/times.ts';

/** Names and values of an exemplar's labels together, in characters: OpenMetrics' limit. */
const MAX_LABELS_LENGTH = 128;

/**
 * Reads an Exemplar up to `end`. Labels are `trace_id` and `span_id`, and the attributes that were filtered out where
 * all of them fit beside; an id of a wrong length is left out. Null where it has no value.
 */
export function readExemplar(reader: WireReader, end: number, refusals: Refusals): Exemplar | null {
  const filtered: [string, string][] = [];
  // More values than characters do not fit; nothing can be said of their rest.
  const budget: ElementBudget = { bytesLeft: maxTextBytes, valuesLeft: MAX_LABELS_LENGTH };
  let traceId: string | WrongId | null = null;
  let spanId: string | WrongId | null = null;
  let timestampMs = 0;
  let value: number | null = null;
  while (reader.at < end) {
    const tag = reader.varint32(end);
    const field = tag >>> 3;
    if (field === 2 || field === 3 || field === 6) {
      reader.expect(tag, WIRE_FIXED64);
      const double = reader.double(end);
      if (field === 2) timestampMs = millisecondsAt(reader, reader.at - 8);
      else value = field === 3 ? double : signed64At(reader, reader.at - 8);
    } else if (field === 4 || field === 5) {
      reader.expect(tag, WIRE_BYTES);
      if (field === 4) spanId = readId(reader, end, SPAN_ID_BYTES);
      else traceId = readId(reader, end, TRACE_ID_BYTES);
    } else if (field === 7) {
      reader.expect(tag, WIRE_BYTES);
      const attributeEnd = reader.fieldEnd(end);
      if (--budget.valuesLeft < 0) {
        reader.at = attributeEnd;
        continue;
      }
      const attribute = readKeyValue(reader, attributeEnd, { depth: 0, budget });
      if (attributeProblem(attribute) === null && attribute.value !== TOO_DEEP) {
        filtered.push([attribute.key, labelText(attribute.value)]);
      }
    } else reader.skip(tag, end);
  }
  if (value === null) return null;
  const ids: [string, string][] = [];
  for (const [name, id] of [
    ['trace_id', traceId],
    ['span_id', spanId],
  ] as const) {
    if (typeof id === 'string') ids.push([name, id]);
    else if (id !== null) refusals.leaveOut(`an exemplar's ${name} of ${id.length} bytes`);
  }
  const labels = [...filtered, ...ids];
  const length = labels.reduce((sum, [name, text]) => sum + name.length + text.length, 0);
  const fits = length <= MAX_LABELS_LENGTH && budget.valuesLeft >= 0;
  return { labels: Object.fromEntries(fits ? labels : ids), timestampMs, value };
}
