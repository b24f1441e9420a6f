import type { ReceivedSpan } from '#telemetry';
import type { WireReader } from '../wire-reader.ts';
import { elementBudget, readText, type ElementBudget } from './attributes.ts';
import type { ReadElement } from './elements.ts';
import { readId, SPAN_ID_BYTES, TRACE_ID_BYTES, type WrongId } from './ids.ts';
import { maxEvents, maxLinks } from './limits.ts';
import type { Refusals } from './refusals.ts';
import { AttributeList, leaveOutValues, type PlainAttributes, type Resource } from './resource.ts';
import { microsecondsAt, unsigned64At } from './wire/times.ts';

/** 2000-01-01: a span that starts earlier tells its time in another unit than nanoseconds, or has a clock without a battery. */
const earliestUs = Date.UTC(2000) * 1000;
/** A span that starts or ends later than this is of a broken clock; it would be the newest for ever. */
const maxAheadMs = 24 * 3_600_000;
const ENDS_BEFORE_START = 'a span that ends before it starts has no duration';
const MAX_KIND = 5;
const MAX_STATUS = 2;

type Mutable<Of> = { -readonly [Key in keyof Of]: Of[Key] };
type ReceivedEvent = ReceivedSpan['events'][number];
type ReceivedLink = ReceivedSpan['links'][number];

/** A span while it is read; a start of null and an end of 0 are not told. */
interface OpenSpan {
  traceId: string | WrongId | null;
  spanId: string | WrongId | null;
  parentSpanId: string | WrongId | null;
  name: string;
  kind: number;
  startUs: number | null;
  endUs: number;
  statusCode: number;
  statusMessage: string;
  readonly events: Mutable<ReceivedEvent>[];
  readonly links: ReceivedLink[];
  droppedEvents: number;
  droppedLinks: number;
}

export interface SpanReading {
  readonly reader: WireReader;
  readonly refusals: Refusals;
  /** Wall ms, when the request arrived. */
  readonly receivedAtMs: number;
}

/**
 * Reads a Span: 1 trace_id, 2 span_id, 4 parent_span_id, 5 name, 6 kind, 7 start, 8 end, 9 attributes, 11 events,
 * 13 links, 15 status. Refused where it can't be told from others (ids) or put on the line of time; of what is in it,
 * only what is wrong is left out.
 */
export function spanReader(reading: SpanReading): ReadElement<ReceivedSpan> {
  const { reader, refusals, receivedAtMs } = reading;
  const latestUs = (receivedAtMs + maxAheadMs) * 1000;
  return (end, resource) => {
    const budget = elementBudget();
    const span: OpenSpan = {
      traceId: null,
      spanId: null,
      parentSpanId: null,
      name: '',
      kind: 0,
      startUs: null,
      endUs: 0,
      statusCode: 0,
      statusMessage: '',
      events: [],
      links: [],
      droppedEvents: 0,
      droppedLinks: 0,
    };
    const list = new AttributeList(refusals, { inherited: resource.attributes, budget });
    const place: SpanPlace = { reader, refusals, end, budget, list, latestUs };
    while (reader.at < end) readField(span, place);
    if (span.droppedEvents > 0)
      refusals.leaveOut(`events beyond maxEvents (${maxEvents})`, span.droppedEvents);
    if (span.droppedLinks > 0) refusals.leaveOut(`links beyond maxLinks (${maxLinks})`, span.droppedLinks);
    leaveOutValues(budget, refusals);
    const checked = checkedSpan(span, { latestUs, resource, attributes: list.attributes });
    if (typeof checked === 'string') {
      refusals.refuse(checked);
      return null;
    }
    if (span.endUs !== 0 && span.endUs < checked.startUs) refusals.putRight(ENDS_BEFORE_START);
    return checked;
  };
}

interface SpanPlace {
  readonly reader: WireReader;
  readonly refusals: Refusals;
  readonly end: number;
  readonly budget: ElementBudget;
  readonly list: AttributeList;
  readonly latestUs: number;
}

function readField(span: OpenSpan, place: SpanPlace): void {
  const { reader, end, budget, list } = place;
  const tag = reader.varint32(end);
  switch (tag >>> 3) {
    case 1:
      span.traceId = readId(reader, end, TRACE_ID_BYTES);
      return;
    case 2:
      span.spanId = readId(reader, end, SPAN_ID_BYTES);
      return;
    case 4:
      span.parentSpanId = readId(reader, end, SPAN_ID_BYTES);
      return;
    case 5:
      span.name = readText(reader, end, budget);
      return;
    case 6:
      span.kind = reader.unsigned(end);
      return;
    case 7:
      span.startUs = readMicroseconds(reader, end);
      if (span.startUs === 0 && unsigned64At(reader, reader.at - 8) === 0) span.startUs = null;
      return;
    case 8:
      span.endUs = readMicroseconds(reader, end);
      return;
    case 9:
      list.read(reader, reader.fieldEnd(end));
      return;
    case 11:
      readEvent(span, place);
      return;
    case 13:
      readLink(span, place);
      return;
    case 15:
      readStatus(span, place);
      return;
    default:
      reader.skip(tag, end);
  }
}

function readMicroseconds(reader: WireReader, end: number): number {
  reader.passEight(end);
  return microsecondsAt(reader, reader.at - 8);
}

/** Event: 1 time, 2 name, 3 attributes. */
function readEvent(span: OpenSpan, { reader, refusals, end, budget, latestUs }: SpanPlace): void {
  const eventEnd = reader.fieldEnd(end);
  if (span.events.length >= maxEvents) {
    reader.at = eventEnd;
    span.droppedEvents++;
    return;
  }
  const list = new AttributeList(refusals, { budget });
  const event: Mutable<ReceivedEvent> = { name: '', atUs: 0, attributes: {} };
  while (reader.at < eventEnd) {
    const tag = reader.varint32(eventEnd);
    if (tag >>> 3 === 1) event.atUs = readMicroseconds(reader, eventEnd);
    else if (tag >>> 3 === 2) event.name = readText(reader, eventEnd, budget);
    else if (tag >>> 3 === 3) list.read(reader, reader.fieldEnd(eventEnd));
    else reader.skip(tag, eventEnd);
  }
  if (event.atUs > latestUs) return refusals.leaveOut('an event more than a day ahead');
  event.attributes = list.attributes;
  span.events.push(event);
}

/** Link: 1 trace_id, 2 span_id, 4 attributes. */
function readLink(span: OpenSpan, { reader, refusals, end, budget }: SpanPlace): void {
  const linkEnd = reader.fieldEnd(end);
  if (span.links.length >= maxLinks) {
    reader.at = linkEnd;
    span.droppedLinks++;
    return;
  }
  const list = new AttributeList(refusals, { budget });
  let traceId: string | WrongId | null = null;
  let spanId: string | WrongId | null = null;
  while (reader.at < linkEnd) {
    const tag = reader.varint32(linkEnd);
    if (tag >>> 3 === 1) traceId = readId(reader, linkEnd, TRACE_ID_BYTES);
    else if (tag >>> 3 === 2) spanId = readId(reader, linkEnd, SPAN_ID_BYTES);
    else if (tag >>> 3 === 4) list.read(reader, reader.fieldEnd(linkEnd));
    else reader.skip(tag, linkEnd);
  }
  const attributes: PlainAttributes = list.attributes;
  if (typeof traceId !== 'string' || typeof spanId !== 'string') {
    return refusals.leaveOut('a link without the ids of a span');
  }
  span.links.push({ traceId, spanId, attributes });
}

/** Status: 2 message, 3 code. */
function readStatus(span: OpenSpan, { reader, end, budget }: SpanPlace): void {
  const statusEnd = reader.fieldEnd(end);
  while (reader.at < statusEnd) {
    const tag = reader.varint32(statusEnd);
    if (tag >>> 3 === 2) span.statusMessage = readText(reader, statusEnd, budget);
    else if (tag >>> 3 === 3) span.statusCode = reader.unsigned(statusEnd);
    else reader.skip(tag, statusEnd);
  }
}

interface SpanSurroundings {
  readonly latestUs: number;
  readonly resource: Resource;
  readonly attributes: PlainAttributes;
}

/** The span with what is missing put right, or why it is refused. */
function checkedSpan(
  span: OpenSpan,
  { latestUs, resource, attributes }: SpanSurroundings,
): ReceivedSpan | string {
  const { traceId, spanId, parentSpanId, startUs, endUs } = span;
  if (typeof traceId !== 'string') return idProblem('trace id', traceId, TRACE_ID_BYTES);
  if (typeof spanId !== 'string') return idProblem('span id', spanId, SPAN_ID_BYTES);
  if (typeof parentSpanId === 'object' && parentSpanId !== null) {
    return idProblem('parent span id', parentSpanId, SPAN_ID_BYTES);
  }
  if (startUs === null) return 'a span without a start';
  if (startUs < earliestUs)
    return 'a span that starts before the year 2000; times are nanoseconds since 1970';
  if (startUs > latestUs || endUs > latestUs) return 'a span more than a day ahead';
  for (const event of span.events) if (event.atUs === 0) event.atUs = startUs;
  return {
    traceId,
    spanId,
    parentSpanId,
    name: span.name,
    kind: span.kind > MAX_KIND ? 0 : span.kind,
    startUs,
    // An end before the start is of a clock that was set back; tracing backends keep such a span, with a warning.
    endUs: endUs === 0 ? null : Math.max(startUs, endUs),
    statusCode: span.statusCode > MAX_STATUS ? 0 : span.statusCode,
    statusMessage: span.statusMessage,
    serviceName: resource.serviceName,
    attributes,
    events: span.events,
    links: span.links,
  };
}

function idProblem(what: string, id: WrongId | null, length: number): string {
  return id === null
    ? `a span without a ${what}`
    : `a span with a ${what} of ${id.length} bytes instead of ${length}`;
}
