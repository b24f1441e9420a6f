/** One entry of `time_intervals`; null fields do not restrict. Ranges are inclusive but for times, whose end is not. */
export interface TimeInterval {
  /** Minutes after midnight. */
  readonly times: readonly MinuteRange[] | null;
  /** 0 Sunday … 6 Saturday. */
  readonly weekdays: readonly NumberRange[] | null;
  /** 1 … 31, or from the end of the month: −1 is its last day. */
  readonly daysOfMonth: readonly NumberRange[] | null;
  /** 1 … 12 */
  readonly months: readonly NumberRange[] | null;
  readonly years: readonly NumberRange[] | null;
  /** IANA; `UTC` where none is written. */
  readonly location: string;
}

export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

export interface MinuteRange {
  readonly fromMinute: number;
  /** Exclusive; 1440 is midnight at the day's end. */
  readonly toMinute: number;
}
