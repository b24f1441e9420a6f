import { hash } from 'node:crypto';
import { OmoiError } from './errors/errors.ts';

/** 66 bits: a cursor that somebody made up has no chance, and one is no secret. */
const SUM_CHARACTERS = 11;

/**
 * The cursors of one list under one set of filters: where a page ended, and a sum over it, the list and the filters. So
 * each is known for what it is: one of another list, of other filters, or that nobody gave is refused, and not answered
 * with a page that says that there is nothing.
 */
export class PageCursors {
  readonly #list: string;
  readonly #filters: string;

  /**
   * @param list its name
   * @param filters what else chose the rows; how many a page has is none of it
   */
  constructor(list: string, filters: object) {
    this.#list = list;
    this.#filters = JSON.stringify(
      Object.entries(filters)
        .filter(([, value]) => value !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  }

  /** @param place where the page ended, as `placeOf` gives it back */
  at(place: string): string {
    return `${place}.${this.#sumOf(place)}`;
  }

  /** @throws OmoiError `invalid_cursor` */
  placeOf(cursor: string): string {
    const place = cursor.slice(0, -SUM_CHARACTERS - 1);
    if (cursor === this.at(place)) return place;
    throw this.refused(cursor, 'is none that this list gave under these filters');
  }

  /** @param why goes on from the cursor: `names a rule that is not loaded any more` */
  refused(cursor: string, why: string): OmoiError {
    const what = `cursor ${JSON.stringify(cursor)} of ${this.#list} ${why}`;
    return new OmoiError('invalid_cursor', `${what}: begin with the first page`);
  }

  #sumOf(place: string): string {
    const summed = JSON.stringify([this.#list, this.#filters, place]);
    return hash('sha256', summed, 'base64url').slice(0, SUM_CHARACTERS);
  }
}
