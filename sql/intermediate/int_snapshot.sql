-- int_snapshot: the days at whose beginning the programme is looked at, each as it was known then.
-- grain: snapshot day
-- key: snapshot_on
-- snapshot_on DATE: the snapshot holds what was dated before this day
-- night_on DATE: as-of date of the night that the snapshot stands for, the day before
-- known_until DATE: last day of receipt that counts: the night runs in the small hours of snapshot_on, on the exports of
--   that morning
-- is_as_of BOOLEAN: tonight
-- is_night BOOLEAN: tonight or one of the 28 nights before
-- is_month_start BOOLEAN: first day of a month
-- is_quarter_start BOOLEAN: first day of a fiscal quarter
-- is_trend BOOLEAN: month start of the trailing year
-- is_health BOOLEAN: health is computed: nights, trend, and the month starts that their bars are made of
-- bar_on DATE: start of the fiscal quarter whose bars score the snapshot: its own; for nights tonight's, so that a fall
--   within 28 nights is the partner's and never the scale's
-- note: month starts reach back to the first commercial event, at most ten years, so that one mistyped year in an export
--   does not make thousands of snapshots
WITH settings AS (
    SELECT
        as_of,
        as_of + 1 AS tonight_on,
        CAST(date_trunc('month', as_of + 1) AS DATE) AS this_month_on,
        fiscal_start_month
    FROM run_settings
),

first_events AS (
    SELECT min(event_on) AS event_on FROM intermediate.int_commercial_event
),

month_starts AS (
    SELECT CAST(unnest(range(
        CAST(greatest(
            least(
                coalesce(CAST(date_trunc('month', first_events.event_on) AS DATE), settings.this_month_on),
                CAST(settings.this_month_on - INTERVAL '24' MONTH AS DATE)
            ),
            CAST(settings.this_month_on - INTERVAL '120' MONTH AS DATE)
        ) AS TIMESTAMP),
        CAST(settings.tonight_on AS TIMESTAMP) + INTERVAL '1' DAY,
        INTERVAL '1' MONTH
    )) AS DATE) AS snapshot_on
    FROM settings
    CROSS JOIN first_events
),

nights AS (
    SELECT CAST(unnest(range(
        CAST(tonight_on - 28 AS TIMESTAMP), CAST(tonight_on AS TIMESTAMP) + INTERVAL '1' DAY, INTERVAL '1' DAY
    )) AS DATE) AS snapshot_on
    FROM settings
),

days AS (
    SELECT snapshot_on FROM month_starts
    UNION
    SELECT snapshot_on FROM nights
),

kinds AS (
    SELECT
        days.snapshot_on,
        days.snapshot_on - 1 AS night_on,
        days.snapshot_on = settings.tonight_on AS is_as_of,
        days.snapshot_on >= settings.tonight_on - 28 AS is_night,
        day(days.snapshot_on) = 1 AS is_month_start,
        day(days.snapshot_on) = 1
        AND (month(days.snapshot_on) - settings.fiscal_start_month + 12) % 3 = 0 AS is_quarter_start,
        day(days.snapshot_on) = 1
        AND days.snapshot_on > settings.tonight_on - INTERVAL '12' MONTH AS is_trend,
        CASE
            WHEN days.snapshot_on >= settings.tonight_on - 28 THEN settings.as_of
            ELSE days.snapshot_on - 1
        END AS scored_on,
        settings.fiscal_start_month
    FROM days
    CROSS JOIN settings
),

quarters AS (
    SELECT
        *,
        CAST(
            date_trunc('month', scored_on)
            - to_months((month(scored_on) - fiscal_start_month + 12) % 3) AS DATE
        ) AS bar_on
    FROM kinds
),

bars AS (
    SELECT min(bar_on) AS first_bar_on FROM quarters WHERE is_night OR is_trend
),

final AS (
    SELECT
        quarters.snapshot_on,
        quarters.night_on,
        quarters.snapshot_on AS known_until,
        quarters.is_as_of,
        quarters.is_night,
        quarters.is_month_start,
        quarters.is_quarter_start,
        quarters.is_trend,
        quarters.is_night OR quarters.is_trend
        OR (quarters.is_month_start AND quarters.snapshot_on > bars.first_bar_on - 180) AS is_health,
        quarters.bar_on
    FROM quarters
    CROSS JOIN bars
)

SELECT * FROM final
