import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Document,
  type Node,
  type Pair,
  type Scalar,
} from 'yaml';
import type { z } from 'zod';
import { alternatives, elementOf, valueAt } from './schema-steps.ts';

/** A scalar of a document with the schemas that read it, without what only wraps them. */
export interface ReadScalar {
  readonly scalar: Scalar;
  readonly readBy: readonly z.core.$ZodType[];
}

type Readers = Map<Scalar, z.core.$ZodType[]>;

/**
 * Which schema reads which scalar of a document: through aliases and merge keys, and below a part that takes anything too.
 * Each node is looked at once for each schema that reads it, however often aliases name it.
 */
export function scalarsReadBy(document: Document.Parsed, schema: z.core.$ZodType): readonly ReadScalar[] {
  const walk = new Walk(document);
  walk.look(document.contents, schema);
  return [...walk.readers].map(([scalar, readBy]) => ({ scalar, readBy }));
}

class Walk {
  readonly readers: Readers = new Map();
  readonly #document: Document.Parsed;
  readonly #seen = new Map<Node, Set<z.core.$ZodType>>();

  constructor(document: Document.Parsed) {
    this.#document = document;
  }

  look(node: Node | null | undefined, schema: z.core.$ZodType | undefined): void {
    for (const reader of alternatives(schema)) this.#lookAs(node, reader);
  }

  #lookAs(node: Node | null | undefined, reader: z.core.$ZodType): void {
    if (!node) return;
    if (isAlias(node)) {
      this.#lookAs(node.resolve(this.#document), reader);
      return;
    }
    if (this.#isSeen(node, reader)) return;
    if (isScalar(node)) this.#add(node, reader);
    else if (isSeq(node)) {
      for (const item of node.items) this.look(item as Node | null, elementOf(reader));
    } else if (isMap(node)) {
      for (const pair of node.items) this.#lookAtPair(pair as Pair<Node, Node | null>, reader);
    }
  }

  #lookAtPair(pair: Pair<Node, Node | null>, reader: z.core.$ZodType): void {
    if (!isPair(pair) || !isScalar(pair.key)) return;
    if (pair.key.value !== '<<') {
      this.look(pair.value, valueAt(reader, String(pair.key.value)));
      return;
    }
    // The keys of a map that is merged stand where the merge key stands.
    const merged = isAlias(pair.value) ? pair.value.resolve(this.#document) : pair.value;
    if (isSeq(merged)) for (const item of merged.items) this.#lookAs(item as Node | null, reader);
    else this.#lookAs(merged, reader);
  }

  #isSeen(node: Node, reader: z.core.$ZodType): boolean {
    const seen = this.#seen.get(node) ?? new Set();
    if (seen.has(reader)) return true;
    this.#seen.set(node, seen.add(reader));
    return false;
  }

  #add(scalar: Scalar, reader: z.core.$ZodType): void {
    const readers = this.readers.get(scalar);
    if (readers) readers.push(reader);
    else this.readers.set(scalar, [reader]);
  }
}
