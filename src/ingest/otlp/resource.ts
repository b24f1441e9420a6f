import { OMOI_SENDER, OmoiError, type Sender } from '#telemetry';
import { WIRE_BYTES, WireReader } from '../wire-reader.ts';
import {
  attributeProblem,
  readKeyValue,
  readText,
  setEntry,
  TOO_DEEP,
  type ElementBudget,
  type PlainValue,
  type ValuePlace,
} from './attributes.ts';
import { checkLimit, maxAttributes, maxElementBytes, maxElementValues, TOO_LARGE } from './limits.ts';
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

  /** @param options.inherited what holds where the list says nothing else; budget of what all lists of an element hold */
  constructor(
    refusals: Refusals,
    { inherited, budget }: { readonly inherited?: PlainAttributes; readonly budget?: ElementBudget } = {},
  ) {
    this.#attributes = inherited === undefined ? {} : { ...inherited };
    this.#refusals = refusals;
    this.#place = { depth: 0, budget };
  }

  /** Reads the KeyValue up to `end`. */
  read(reader: WireReader, end: number): void {
    const { budget } = this.#place;
    if (this.#length >= maxAttributes || (budget && --budget.valuesLeft < 0)) {
      reader.at = end;
      if (this.#length >= maxAttributes) this.#dropped++;
      return;
    }
    this.#length++;
    const attribute = readKeyValue(reader, end, this.#place);
    const problem = attributeProblem(attribute);
    if (problem !== null) this.#refusals.leaveOut(problem);
    else if (attribute.value !== TOO_DEEP) setEntry(this.#attributes, attribute.key, attribute.value);
  }

  get attributes(): PlainAttributes {
    if (this.#dropped > 0) {
      this.#refusals.leaveOut(`attributes beyond maxAttributes (${maxAttributes})`, this.#dropped);
    }
    return this.#attributes;
  }
}

/** Names what of an element is left out because it holds more than may be. */
export function leaveOutValues({ valuesLeft }: ElementBudget, refusals: Refusals): void {
  if (valuesLeft < 0) refusals.leaveOut(`values beyond maxElementValues (${maxElementValues})`);
}

/**
 * Reads the Resource in the bytes. Two messages of the kind after one another are one, as protobuf has it.
 * @throws OmoiError `body_too_large`: what all elements of the request have in common is read in one go
 */
export function readResource(bytes: Uint8Array, refusals: Refusals): Resource {
  checkLength(bytes, 'resource');
  const reader = new WireReader('OTLP request');
  reader.reset(bytes);
  const budget: ElementBudget = { bytesLeft: maxElementBytes, valuesLeft: maxElementValues };
  const list = new AttributeList(refusals, { budget });
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
  leaveOutValues(budget, refusals);
  return { attributes, serviceName: nonEmptyText(attributes['service.name']) ?? 'unknown' };
}

/** What somebody sends as if Omoi itself had said it is kept under who has sent it. */
export function underSender(resource: Resource, sender: Sender): Resource {
  if (resource.serviceName.trim().toLowerCase() !== OMOI_SENDER) return resource;
  return { serviceName: sender, attributes: { ...resource.attributes, 'service.name': sender } };
}

/** What a scope says. */
export interface Scope {
  readonly name: string;
  readonly version: string;
  readonly attributes: PlainAttributes;
}

/** Reads the InstrumentationScope in the bytes. @throws OmoiError `body_too_large` */
export function readScope(bytes: Uint8Array, refusals: Refusals): Scope {
  checkLength(bytes, 'scope');
  const reader = new WireReader('OTLP request');
  reader.reset(bytes);
  const end = bytes.length;
  const budget: ElementBudget = { bytesLeft: maxElementBytes, valuesLeft: maxElementValues };
  const list = new AttributeList(refusals, { budget });
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
  leaveOutValues(budget, refusals);
  return { name, version, attributes: list.attributes };
}

/** @throws OmoiError `body_too_large` where the bytes of a resource or scope are more than are looked at in one go */
export function checkLength({ length }: Uint8Array, what: 'resource' | 'scope'): void {
  if (length > maxElementBytes)
    throw new OmoiError('body_too_large', `The request has a ${what} ${TOO_LARGE}.`);
}

function nonEmptyText(value: PlainValue | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
