import { ERROR_CATALOGUE } from './errors.ts';

/** The page of the catalogue, in Markdown: what each error means and what to do about it. It is `docs/errors.md`, too. */
export function errorsPage(): string {
  const sections = Object.entries(ERROR_CATALOGUE).map(([code, { status, retryable, meaning, remedy }]) =>
    [
      `## ${code}`,
      `Status ${status}${retryable ? '; the same call may succeed later' : ''}. ${meaning}\n`,
      `What to do: ${remedy}\n`,
    ].join('\n'),
  );
  return [
    '# Errors',
    '',
    'Every refusal is `{"error": "code", "message": "…", "docs": "/docs/errors#code"}`. The code is stable; the message names the',
    'thing and the place; `docs` is where the server itself shows what stands on this page, for everybody and without a network. The',
    'command line prints that address below what went wrong, or, where no server answered, the place in this file. Below `/prometheus/`',
    'the same comes in the form that clients of Prometheus read:',
    '`{"status": "error", "errorType": "…", "error": "…", "code": "…", "docs": "…"}`, with the message as `error`; only a query whose',
    'client has gone is 499 there. Below `/alertmanager/` it is what clients of Alertmanager read: the message as a JSON text where the',
    'status is 400 or 500, else `{"code": STATUS, "message": "…", "error": "code", "docs": "…"}`.',
    '',
    ...sections,
  ].join('\n');
}
