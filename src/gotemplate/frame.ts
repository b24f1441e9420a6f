import type { TemplateValue } from './values/value.ts';

/** The variables in sight: an inner frame sees and may change the outer one's. */
export class Frame {
  readonly #values: Map<string, TemplateValue>;
  readonly #outer: Frame | null;

  constructor(values: Iterable<readonly [string, TemplateValue]>, outer: Frame | null = null) {
    this.#values = new Map(values);
    this.#outer = outer;
  }

  /** Undefined where there is no such variable. */
  get(name: string): TemplateValue | undefined {
    return this.#values.has(name) ? this.#values.get(name) : this.#outer?.get(name);
  }

  declare(name: string, value: TemplateValue): void {
    this.#values.set(name, value);
  }

  /** @returns whether there is such a variable */
  assign(name: string, value: TemplateValue): boolean {
    if (!this.#values.has(name)) return this.#outer?.assign(name, value) ?? false;
    this.#values.set(name, value);
    return true;
  }
}
