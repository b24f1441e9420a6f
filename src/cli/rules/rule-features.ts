import { ALL_FEATURES, PROMQL_FEATURES, type PromqlFeature, type PromqlFeatures } from '#promql';
import { nearestWord, OmoiError } from '#telemetry';

/**
 * The features that a person names, with commas between them; those of a Prometheus that have no say in the language here are let
 * pass, as in its own programs.
 * @throws OmoiError `invalid_request` for a name that is none and near one
 */
export function featuresOf(lists: readonly string[]): PromqlFeatures {
  const features = new Set<PromqlFeature>();
  for (const name of lists.flatMap((list) => list.split(','))) {
    const trimmed = name.trim();
    const feature = PROMQL_FEATURES.find((one) => one === trimmed);
    if (feature !== undefined) features.add(feature);
    else if (trimmed !== '') refuseMisspelt(trimmed);
  }
  return features;
}

function refuseMisspelt(name: string): void {
  const near = nearestWord(name, [...ALL_FEATURES]);
  if (near !== null)
    throw new OmoiError(
      'invalid_request',
      `--enable-feature: there is no "${name}"; did you mean "${near}"?`,
    );
}
