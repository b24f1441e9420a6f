import type { RangeFunction } from '../evaluation/range-window.ts';
import * as overTime from './over-time.ts';
import { delta, idelta, increase, irate, rate } from './rates.ts';
import { changes, resets } from './transitions.ts';
import { deriv, doubleExponentialSmoothing, predictLinear } from './trends.ts';

/** The functions of a range vector, each computed for one series at one step. */
export const RANGE_FUNCTIONS: ReadonlyMap<string, RangeFunction> = new Map([
  ['rate', rate],
  ['increase', increase],
  ['delta', delta],
  ['irate', irate],
  ['idelta', idelta],
  ['deriv', deriv],
  ['predict_linear', predictLinear],
  ['double_exponential_smoothing', doubleExponentialSmoothing],
  ['resets', resets],
  ['changes', changes],
  ['sum_over_time', overTime.sumOverTime],
  ['avg_over_time', overTime.avgOverTime],
  ['min_over_time', overTime.minOverTime],
  ['max_over_time', overTime.maxOverTime],
  ['count_over_time', overTime.countOverTime],
  ['first_over_time', overTime.firstOverTime],
  ['last_over_time', overTime.lastOverTime],
  ['stddev_over_time', overTime.stddevOverTime],
  ['stdvar_over_time', overTime.stdvarOverTime],
  ['quantile_over_time', overTime.quantileOverTime],
  ['mad_over_time', overTime.madOverTime],
  ['present_over_time', overTime.presentOverTime],
  ['absent_over_time', overTime.presentOverTime],
  ['ts_of_min_over_time', overTime.timeOfMinOverTime],
  ['ts_of_max_over_time', overTime.timeOfMaxOverTime],
  ['ts_of_first_over_time', overTime.timeOfFirstOverTime],
  ['ts_of_last_over_time', overTime.timeOfLastOverTime],
]);
