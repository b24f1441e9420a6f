import { WIRE_BYTES, WireReader } from '../wire-reader.ts';
import {
  attributeProblem,
  readKeyValue,
  readText,
  setEntry,
  TOO_DEEP,
  type PlainValue,
  type TextBudget,
  type ValuePlace,
} from './attributes.ts';
import { checkLimit, maxAttributes } from './limits.ts';
import type { Refusals } from './refusals.ts';

/** Attributes with a key and a value, of a resource, scope, span, event, link or record. */
export type PlainAttributes = Readonly<Record<string, PlainValue>>;

/** What a resource says, whatever the signal. */
export interface Resource {
  readonly attributes: PlainAttributes;
  /** `service.name`; "unknown" where nobody said. */
  readonly serviceName: string;
}

/** Reads attributes one by one; what can't be one is left out by name. The last with a key holds. */
export class AttributeList {
  readonly #attributes: Record<string, PlainValue>;
  readonly #refusals: Refusals;
  readonly #place: ValuePlace;
  #length = 0;
  #dropped = 0;

  /** @param options.inherited what holds where the list says nothing else; budget of texts */
  constructor(
    refusals: Refusals,
    { inherited, budget }: { readonly inherited?: PlainAttributes; readonly budget?: TextBudget } = {},
  ) {
    this.#attributes = inherited === undefined ? {} : { ...inherited };
    this.#refusals = refusals;
    this.#place = { depth: 0, budget };
  }

  /** Reads the KeyValue up to `end`. */
  read(reader: WireReader, end: number): void {
    if (this.#length >= maxAttributes) {
      reader.at = end;
      this.#dropped++;
      return;
    }
    const attribute = readKeyValue(reader, end, this.#place);
    const problem = attributeProblem(attribute);
    if (problem !== null) this.#refusals.leaveOut(problem);
    else if (attribute.value !== TOO_DEEP) {
      this.#length++;
      setEntry(this.#attributes, attribute.key, attribute.value);
    }
  }

  get attributes(): PlainAttributes {
    if (this.#dropped > 0) {
      this.#refusals.leaveOut(`attributes beyond maxAttributes (${maxAttributes})`, this.#dropped);
    }
    return this.#attributes;
  }
}

/** Reads the Resource in the bytes. Two messages of the kind after one another are one, as protobuf has it. */
export function readResource(bytes: Uint8Array, refusals: Refusals): Resource {
  const reader = new WireReader('OTLP request');
  reader.reset(bytes);
  const list = new AttributeList(refusals);
  for (let fields = 1; reader.at < bytes.length; fields++) {
    checkLimit('maxRequestElements', fields);
    const tag = reader.varint32(bytes.length);
    if (tag >>> 3 !== 1) {
      reader.skip(tag, bytes.length);
      continue;
    }
    reader.expect(tag, WIRE_BYTES);
    list.read(reader, reader.fieldEnd(bytes.length));
  }
  const { attributes } = list;
  return { attributes, serviceName: nonEmptyText(attributes['service.name']) ?? 'unknown' };
}

/** What a scope says. */
export interface Scope {
  readonly name: string;
  readonly version: string;
  readonly attributes: PlainAttributes;
}

/** Reads the InstrumentationScope in the bytes. */
export function readScope(bytes: Uint8Array, refusals: Refusals): Scope {
  const reader = new WireReader('OTLP request');
  reader.reset(bytes);
  const end = bytes.length;
  const list = new AttributeList(refusals);
  let [name, version] = ['', ''];
  for (let fields = 1; reader.at < end; fields++) {
    checkLimit('maxRequestElements', fields);
    const tag = reader.varint32(end);
    const field = tag >>> 3;
    if (field >= 1 && field <= 3) reader.expect(tag, WIRE_BYTES);
    if (field === 1) name = readText(reader, end);
    else if (field === 2) version = readText(reader, end);
    else if (field === 3) list.read(reader, reader.fieldEnd(end));
    else reader.skip(tag, end);
  }
  return { name, version, attributes: list.attributes };
}

function nonEmptyText(value: PlainValue | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
