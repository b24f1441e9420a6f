import type { Sender } from '#telemetry';
import type { WireReader } from '../wire-reader.ts';
import { groupHead } from './group-head.ts';
import { maxElementBytes, TOO_LARGE } from './limits.ts';
import type { Refusals } from './refusals.ts';
import { readResource, underSender, type Resource } from './resource.ts';

/** Wire bytes and elements of one piece of a request: what is read, and handed to a store, in one go. */
const maxPieceBytes = 64 * 1024;
const maxPieceElements = 100;
/** Fields that are passed over in one go, elements or not. */
const maxPieceFields = 1000;

/** How an element of a signal is read; null where it is refused. */
export type ReadElement<Element> = (end: number, resource: Resource) => Element | null;

/**
 * Reads the elements of a traces or logs request in pieces, some of which may be empty. The request has passed
 * `checkWire`. A request has its resources in field 1; these have their scopes, and scopes their elements, in field 2.
 */
export function* piecesOf<Element>(
  reader: WireReader,
  options: {
    readonly readElement: ReadElement<Element>;
    readonly refusals: Refusals;
    readonly sender: Sender;
  },
): Generator<readonly Element[]> {
  const piece = new Piece<Element>(reader, options);
  const end = reader.bytes.length;
  while (reader.at < end) {
    if (!entered(reader, end, 1)) {
      if (piece.isFull) yield piece.take();
      continue;
    }
    const resourceEnd = reader.fieldEnd(end);
    const start = reader.at;
    const said = readResource(groupHead(reader, resourceEnd), options.refusals);
    const resource = underSender(said, options.sender);
    reader.at = start;
    while (reader.at < resourceEnd) {
      if (entered(reader, resourceEnd, 2)) {
        const scopeEnd = reader.fieldEnd(resourceEnd);
        while (reader.at < scopeEnd) {
          if (entered(reader, scopeEnd, 2)) piece.read(reader.fieldEnd(scopeEnd), resource);
          if (piece.isFull) yield piece.take();
        }
      }
      if (piece.isFull) yield piece.take();
    }
    yield piece.take();
  }
}

/** Whether a message of the field begins here; other fields are passed over. */
function entered(reader: WireReader, end: number, field: number): boolean {
  const tag = reader.varint32(end);
  if (tag >>> 3 === field) return true;
  reader.skip(tag, end);
  return false;
}

/** Elements that are handed over together. */
class Piece<Element> {
  readonly #reader: WireReader;
  readonly #readElement: ReadElement<Element>;
  readonly #refusals: Refusals;
  #elements: Element[] = [];
  #start: number;
  #fields = 0;

  constructor(
    reader: WireReader,
    { readElement, refusals }: { readonly readElement: ReadElement<Element>; readonly refusals: Refusals },
  ) {
    this.#reader = reader;
    this.#readElement = readElement;
    this.#refusals = refusals;
    this.#start = reader.at;
  }

  /** Whether it is large enough, or took long enough to come together: asked once a field. */
  get isFull(): boolean {
    return (
      this.#elements.length >= maxPieceElements ||
      this.#reader.at - this.#start >= maxPieceBytes ||
      ++this.#fields >= maxPieceFields
    );
  }

  /** Reads the element up to `end`, and goes there. */
  read(end: number, resource: Resource): void {
    const reader = this.#reader;
    if (end - reader.at > maxElementBytes) {
      this.#refusals.refuse(TOO_LARGE);
    } else {
      const element = this.#readElement(end, resource);
      if (element !== null) this.#elements.push(element);
    }
    reader.at = end;
  }

  /** Hands it over, and begins the next. */
  take(): readonly Element[] {
    const elements = this.#elements;
    this.#elements = [];
    this.#start = this.#reader.at;
    this.#fields = 0;
    return elements;
  }
}
