import type { ReceivedLogRecord } from '#telemetry';
import type { WireReader } from '../wire-reader.ts';
import {
  elementBudget,
  readText,
  readValue,
  TOO_DEEP,
  type ElementBudget,
  type PlainValue,
} from './attributes.ts';
import type { ReadElement } from './elements.ts';
import { readId, SPAN_ID_BYTES, TRACE_ID_BYTES, type WrongId } from './ids.ts';
import { maxValueDepth } from './limits.ts';
import type { Refusals } from './refusals.ts';
import { AttributeList, leaveOutValues } from './resource.ts';
import { millisecondsAt } from './wire/times.ts';

const MAX_SEVERITY = 24;

export interface LogReading {
  readonly reader: WireReader;
  readonly refusals: Refusals;
  /** Wall ms, when the request arrived: for records that tell no time. */
  readonly receivedAtMs: number;
}

interface OpenRecord {
  timeMs: number;
  observedMs: number;
  severityNumber: number;
  severityText: string;
  body: PlainValue | typeof TOO_DEEP;
  traceId: string | WrongId | null;
  spanId: string | WrongId | null;
  eventName: string;
}

/**
 * Reads a LogRecord: 1 time, 2 severity_number, 3 severity_text, 5 body, 6 attributes, 9 trace_id, 10 span_id,
 * 11 observed time, 12 event_name. A record is never refused for what it says: the rest of it is kept.
 */
export function logReader({ reader, refusals, receivedAtMs }: LogReading): ReadElement<ReceivedLogRecord> {
  return (end, resource) => {
    const budget = elementBudget();
    const list = new AttributeList(refusals, { inherited: resource.attributes, budget });
    const record: OpenRecord = {
      timeMs: 0,
      observedMs: 0,
      severityNumber: 0,
      severityText: '',
      body: null,
      traceId: null,
      spanId: null,
      eventName: '',
    };
    const place: RecordPlace = { reader, end, budget, list };
    while (reader.at < end) readField(record, place);
    leaveOutValues(budget, refusals);
    return {
      atMs: record.timeMs || record.observedMs || receivedAtMs,
      severityNumber: record.severityNumber > MAX_SEVERITY ? 0 : record.severityNumber,
      severityText: record.severityText,
      message: messageOf(record, refusals),
      serviceName: resource.serviceName,
      traceId: idOf(record.traceId, 'trace id', refusals),
      spanId: idOf(record.spanId, 'span id', refusals),
      attributes: list.attributes,
    };
  };
}

interface RecordPlace {
  readonly reader: WireReader;
  readonly end: number;
  readonly budget: ElementBudget;
  readonly list: AttributeList;
}

function readField(record: OpenRecord, { reader, end, budget, list }: RecordPlace): void {
  const tag = reader.varint32(end);
  switch (tag >>> 3) {
    case 1:
      record.timeMs = readMilliseconds(reader, end);
      return;
    case 2:
      record.severityNumber = reader.unsigned(end);
      return;
    case 3:
      record.severityText = readText(reader, end, budget);
      return;
    case 5:
      record.body = readValue(reader, reader.fieldEnd(end), { depth: 0, budget });
      return;
    case 6:
      list.read(reader, reader.fieldEnd(end));
      return;
    case 9:
      record.traceId = readId(reader, end, TRACE_ID_BYTES);
      return;
    case 10:
      record.spanId = readId(reader, end, SPAN_ID_BYTES);
      return;
    case 11:
      record.observedMs = readMilliseconds(reader, end);
      return;
    case 12:
      record.eventName = readText(reader, end, budget);
      return;
    default:
      reader.skip(tag, end);
  }
}

function readMilliseconds(reader: WireReader, end: number): number {
  reader.passEight(end);
  return millisecondsAt(reader, reader.at - 8);
}

/** The body where it is a text; otherwise the event's name, or the body as JSON. */
function messageOf({ body, eventName }: OpenRecord, refusals: Refusals): string {
  if (typeof body === 'string') return body;
  if (body === TOO_DEEP) refusals.leaveOut(`a body nested deeper than maxValueDepth (${maxValueDepth})`);
  if (eventName !== '') return eventName;
  return body === null || body === TOO_DEEP ? '' : JSON.stringify(body);
}

function idOf(id: string | WrongId | null, what: string, refusals: Refusals): string | null {
  if (id === null || typeof id === 'string') return id;
  refusals.leaveOut(`a record's ${what} of ${id.length} bytes`);
  return null;
}
