import { emptyLabels, OmoiError, type Labels } from '#telemetry';

/** As the API takes them. */
const MAX_LENGTH = 256;
const MAX_LABELS = 32;
const HOST = 'host';

/**
 * What an agent is labelled with: by `--label name=value`, and with the machine that it runs on, so that it is in that failure
 * domain. An empty value takes a label away.
 * @param host null where somebody else knows it better
 * @throws OmoiError `invalid_request`
 */
export function agentLabels(said: readonly string[], host: string | null): Labels {
  const labels = emptyLabels();
  if (host !== null) labels[HOST] = host;
  for (const text of said) {
    const at = text.indexOf('=');
    const [name, value] = [text.slice(0, at), text.slice(at + 1)];
    if (at < 1) throw refused(text, 'is not name=value');
    if (name.length > MAX_LENGTH || value.length > MAX_LENGTH)
      throw refused(text, `has more than ${MAX_LENGTH} characters`);
    if (value === '') delete labels[name];
    else labels[name] = value;
  }
  if (Object.keys(labels).length <= MAX_LABELS) return labels;
  throw refused(said.at(-1) ?? '', `is one too many: an agent has at most ${MAX_LABELS} labels`);
}

function refused(text: string, why: string): OmoiError {
  return new OmoiError('invalid_request', `--label: "${text}" ${why}`);
}
