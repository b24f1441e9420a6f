import type { TemplateValue } from './values/value.ts';

/** The variables in sight: an inner frame sees and may change the outer one's. */
export class Frame {
  /** Made when the first variable is: most blocks have none. */
  #values: Map<string, TemplateValue> | null;
  readonly #outer: Frame | null;

  constructor(values: Iterable<readonly [string, TemplateValue]> | null, outer: Frame | null = null) {
    this.#values = values && new Map(values);
    this.#outer = outer;
  }

  /** Undefined where there is no such variable. */
  get(name: string): TemplateValue | undefined {
    const own = this.#values?.get(name);
    return own === undefined ? this.#outer?.get(name) : own;
  }

  declare(name: string, value: TemplateValue): void {
    this.#values ??= new Map();
    this.#values.set(name, value);
  }

  /** @returns whether there is such a variable */
  assign(name: string, value: TemplateValue): boolean {
    if (!this.#values?.has(name)) return this.#outer?.assign(name, value) ?? false;
    this.#values.set(name, value);
    return true;
  }
}

/** Where something is evaluated: the dot and the variables there. */
export interface Scope {
  readonly dot: TemplateValue;
  readonly frame: Frame;
}
