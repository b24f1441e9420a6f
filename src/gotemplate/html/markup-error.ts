/** HTML in which it is not clear what a value would be. */
export class MarkupError extends Error {
  override readonly name = 'MarkupError';
}
