import { OmoiError } from '#telemetry';
import { WIRE_BYTES } from '../../wire-reader.ts';
import { checkLimit, maxElementBytes, OTLP_LIMITS, TOO_LARGE } from '../limits.ts';
import type { Refusals } from '../refusals.ts';
import { ANY_VALUE, EXEMPLAR, MessageType, type Field } from '../wire/messages.ts';
import { WireWriter, type TakeMemory } from '../wire/wire-writer.ts';
import { BYTES_PER_STEP, JsonTokens, UNFINISHED, type ScalarToken } from './json-tokens.ts';
import { writeScalar } from './scalars.ts';

const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;

/** Tokens between two chances to pause, which are of `BYTES_PER_STEP` at most, all of them together. */
const TOKENS_PER_STEP = 500;
/** What a byte becomes at most: `0,` is a count of eight bytes, `{},` a message with a length of four. */
const MAX_GROWTH = 4;
/** What the tokens of a step become at most beside that: tags, lengths, and a number that goes on beyond the step. */
const STEP_SLACK_BYTES = 16 * TOKENS_PER_STEP;

/** An object or a list that is open. */
interface Frame {
  readonly isList: boolean;
  /** The message that an object is read as; null for what is not known, and for lists. */
  readonly message: MessageType | null;
  /** What the elements of a list are. */
  readonly element: Field | null;
  /** Where what stands for it begins in the output, tag included; and where its content begins, or −1. */
  readonly outStart: number;
  readonly bodyStart: number;
  /** What is wrong inside, the first of it. */
  problem: string | null;
  /** Of a metric: its points so far. */
  points: number;
}

type State = 'value' | 'first-element' | 'first-key' | 'key' | 'colon' | 'after-value' | 'end';

export interface JsonReading {
  readonly root: MessageType;
  readonly refusals: Refusals;
  /** For what the body becomes. */
  readonly take: TakeMemory;
}

/**
 * Reads OTLP/JSON and writes the same request as protobuf, so that what a request means is said once, for both. It
 * works on an explicit stack and yields every few hundred tokens, and within those that are long: neither depth nor
 * length of a body, nor of anything in it, is its own. What cannot be read of a point, span or record refuses that alone (see `Role`).
 */
export class JsonReader {
  readonly #tokens: JsonTokens;
  readonly #writer: WireWriter;
  readonly #refusals: Refusals;
  readonly #stack: Frame[] = [];
  #state: State = 'value';
  /** The field that the next value belongs to; null where it is not known. */
  #field: Field | null = null;
  #isElement = false;
  #root: MessageType | null;
  #messages = 0;
  #elements = 0;

  /** @throws what `take` throws */
  constructor(body: Uint8Array, { root, refusals, take }: JsonReading) {
    this.#tokens = new JsonTokens(body);
    this.#writer = new WireWriter(body.length >>> 1, take);
    this.#root = root;
    this.#refusals = refusals;
  }

  /**
   * @returns the request as protobuf
   * @throws OmoiError `malformed_json`, `payload_undecodable` where what is wrong belongs to no element; `body_too_large`;
   *   what `take` throws
   */
  *read(): Generator<void, Uint8Array> {
    const tokens = this.#tokens;
    yield* this.#beginStep();
    for (let count = 1; this.#state !== 'end'; count++) {
      const isThrough = this.#step();
      if (isThrough && !tokens.isStepOver && count % TOKENS_PER_STEP !== 0) continue;
      yield;
      yield* this.#beginStep();
    }
    for (let byte = tokens.peek(); byte !== -1; byte = tokens.peek()) {
      if (byte !== UNFINISHED) throw tokens.malformed();
      yield;
      tokens.beginStep();
    }
    return this.#writer.written;
  }

  /** Begins a step with room for all that it writes. */
  *#beginStep(): Generator<void> {
    this.#tokens.beginStep();
    const bytes = Math.min(this.#tokens.bytesLeft, BYTES_PER_STEP + maxElementBytes);
    yield* this.#writer.makeRoom(MAX_GROWTH * Math.min(bytes, BYTES_PER_STEP) + bytes + STEP_SLACK_BYTES);
  }

  /** Reads one token; false where a long one is not through. */
  #step(): boolean {
    const byte = this.#tokens.peek();
    if (byte === UNFINISHED) return false;
    switch (this.#state) {
      case 'first-element':
        if (byte === CLOSE_LIST) return this.#close();
        this.#state = 'value';
        return true;
      case 'value':
        return this.#value(byte);
      case 'first-key':
        if (byte === CLOSE_OBJECT) return this.#close();
        return this.#key(byte);
      case 'key':
        return this.#key(byte);
      case 'colon':
        if (byte !== COLON) throw this.#tokens.malformed();
        this.#tokens.at++;
        this.#state = 'value';
        return true;
      case 'after-value':
        return this.#afterValue(byte);
      case 'end':
        return true;
    }
  }

  #key(byte: number): boolean {
    if (byte !== QUOTE) throw this.#tokens.malformed();
    const name = this.#tokens.text();
    if (name === null) return false;
    const fields = this.#stack.at(-1)?.message?.byName;
    this.#field = fields?.get(name.toString('latin1', 0, 64)) ?? null;
    this.#isElement = false;
    this.#state = 'colon';
    return true;
  }

  #afterValue(byte: number): boolean {
    const frame = this.#stack.at(-1);
    if (!frame) throw this.#tokens.malformed();
    if (byte === COMMA) {
      this.#tokens.at++;
      this.#field = frame.element;
      this.#isElement = frame.isList;
      this.#state = frame.isList ? 'value' : 'key';
      return true;
    }
    if (byte !== (frame.isList ? CLOSE_LIST : CLOSE_OBJECT)) throw this.#tokens.malformed();
    return this.#close();
  }

  #value(byte: number): boolean {
    if (byte === OPEN_OBJECT) this.#openObject();
    else if (byte === OPEN_LIST) this.#openList();
    else {
      const token = this.#scalarToken(byte);
      if (token === undefined) return false;
      this.#scalar(token);
      this.#endValue();
    }
    return true;
  }

  /** Undefined where a long text is not through. */
  #scalarToken(byte: number): ScalarToken | undefined {
    const tokens = this.#tokens;
    switch (byte) {
      case QUOTE: {
        const text = tokens.text();
        return text === null ? undefined : { kind: 'text', text };
      }
      case 0x74:
        tokens.word('true');
        return true;
      case 0x66:
        tokens.word('false');
        return false;
      case 0x6e:
        tokens.word('null');
        return null;
      default:
        return { kind: 'number', text: tokens.number() };
    }
  }

  #openObject(): void {
    this.#tokens.at++;
    const field = this.#field;
    const root = this.#root;
    this.#root = null;
    const fits = field !== null && field.type instanceof MessageType && field.repeated === this.#isElement;
    if (field !== null && !fits) this.#problem(`${field.name} is an object, where none belongs`);
    const message = root ?? (fits && field.type instanceof MessageType ? field.type : null);
    const outStart = this.#writer.length;
    let bodyStart = -1;
    if (message !== null && field !== null) {
      this.#count(message);
      this.#writer.tag(field.number, WIRE_BYTES);
      bodyStart = this.#writer.open();
    }
    this.#push({ isList: false, message, element: null, outStart, bodyStart, problem: null, points: 0 });
    this.#state = 'first-key';
  }

  #openList(): void {
    this.#tokens.at++;
    const field = this.#field;
    if (this.#root) throw this.#notThere('a list');
    const fits = field !== null && field.repeated && !this.#isElement;
    if (field !== null && !fits) this.#problem(`${field.name} is a list, where none belongs`);
    const element = fits ? field : null;
    const outStart = this.#writer.length;
    let bodyStart = -1;
    if (element !== null && !(element.type instanceof MessageType)) {
      // Numbers are packed.
      this.#writer.tag(element.number, WIRE_BYTES);
      bodyStart = this.#writer.open();
    }
    this.#push({ isList: true, message: null, element, outStart, bodyStart, problem: null, points: 0 });
    this.#field = element;
    this.#isElement = true;
    this.#state = 'first-element';
  }

  #push(frame: Frame): void {
    this.#stack.push(frame);
    if (this.#stack.length > OTLP_LIMITS.maxJsonDepth) {
      throw new OmoiError(
        'malformed_json',
        `The body is nested deeper than maxJsonDepth (${OTLP_LIMITS.maxJsonDepth}).`,
      );
    }
  }

  #count({ role, name }: MessageType): void {
    checkLimit('maxRequestMessages', ++this.#messages);
    const isElement =
      role === 'point' || role === 'element' || role === 'metric' || name.endsWith(' element');
    if (isElement) checkLimit('maxRequestElements', ++this.#elements);
  }

  /** Closes the innermost object or list. */
  #close(): true {
    this.#tokens.at++;
    const frame = this.#stack.pop();
    const problem = frame?.problem ?? null;
    if (frame?.message && problem !== null) this.#refuse(frame, frame.message, problem);
    else if (frame && frame.bodyStart >= 0) {
      this.#writer.close(frame.bodyStart);
      if (frame.message?.role === 'point') this.#countPoint();
    }
    this.#endValue();
    return true;
  }

  #endValue(): void {
    this.#state = this.#stack.length === 0 ? 'end' : 'after-value';
  }

  /** Takes an element back that cannot be read. */
  #refuse(frame: Frame, message: MessageType, problem: string): void {
    this.#writer.truncate(frame.outStart);
    if (message.role !== 'part') {
      this.#refusals.refuse(problem, Math.max(1, frame.points));
      return;
    }
    const owner = this.#stack.findLast((open) => open.message?.role === 'point' || open.message === EXEMPLAR);
    if (message !== EXEMPLAR && owner?.message?.role === 'point') owner.problem ??= problem;
    else this.#refusals.leaveOut(problem);
  }

  #countPoint(): void {
    const metric = this.#stack.findLast(({ message }) => message?.role === 'metric');
    if (metric) metric.points++;
  }

  #scalar(token: ScalarToken): void {
    if (this.#root) throw this.#notThere('no object');
    const field = this.#field;
    if (field === null) return;
    if (token === null) return this.#null(field);
    const { type } = field;
    if (typeof token === 'object' && token.text.length > maxElementBytes) return this.#tooLarge(field);
    if (field.repeated !== this.#isElement || type instanceof MessageType) {
      this.#problem(`${field.name} is no ${field.repeated && !this.#isElement ? 'list' : 'object'}`);
      return;
    }
    const start = this.#writer.length;
    if (!field.repeated) this.#writer.tag(field.number, field.wireType);
    const problem = writeScalar(this.#writer, type, token);
    if (problem === null) return;
    this.#writer.truncate(start);
    this.#problem(`${field.name}: ${problem}`);
  }

  /** Null is an unset field. In a list of values it is an empty one, in other lists of messages none. */
  #null(field: Field): void {
    if (!this.#isElement) return;
    if (field.message !== null) this.#count(field.message);
    if (field.type === ANY_VALUE) {
      this.#writer.tag(field.number, WIRE_BYTES);
      this.#writer.varint(0);
    } else if (!(field.type instanceof MessageType)) this.#problem(`${field.name} has null for a number`);
  }

  /** Marks the innermost element that can be refused, or refuses the request. */
  #problem(problem: string): void {
    const frame = this.#stack.findLast(({ message }) => message !== null && message.role !== 'container');
    if (!frame) throw this.#notThere(problem);
    frame.problem ??= problem;
  }

  /** Refuses what a text belongs to that is larger than any element may be. */
  #tooLarge({ name }: Field): void {
    const frame = this.#stack.findLast(
      ({ message }) => message !== null && message.role !== 'container' && message.role !== 'part',
    );
    if (!frame) throw new OmoiError('body_too_large', `The request has a ${name} ${TOO_LARGE}.`);
    frame.problem ??= TOO_LARGE;
  }

  #notThere(problem: string): OmoiError {
    return new OmoiError('payload_undecodable', `The body is no OTLP request: ${problem}.`);
  }
}
