-- int_snapshot_day: the days that a snapshot looks back on, so that every window is one join on the day.
-- grain: snapshot x day before it
-- key: snapshot_on, day
-- snapshot_on DATE: snapshot
-- day DATE: a day of the 730 before it
-- age_days INTEGER: days back, 1 for the day before the snapshot
-- decay_ppm BIGINT: weight of an event of that age in millionths, halved every 30 days: 2^(-(age - 1) / 30)
-- known_until DATE: last day of receipt that counts
-- is_health BOOLEAN: health is computed
-- is_feature BOOLEAN: churn features are computed: month starts and tonight
-- note: a window join on this table costs what it returns; the same windows as date ranges cost partners x days x
--   snapshots
WITH snapshots AS (
    SELECT * FROM intermediate.int_snapshot
),

ages AS (
    SELECT CAST(unnest(range(1, 731)) AS INTEGER) AS age_days
),

final AS (
    SELECT
        snapshots.snapshot_on,
        snapshots.snapshot_on - ages.age_days AS day,
        ages.age_days,
        CAST(round(1000000 * pow(2.0, -(ages.age_days - 1) / 30.0)) AS BIGINT) AS decay_ppm,
        snapshots.known_until,
        snapshots.is_health,
        snapshots.is_month_start OR snapshots.is_as_of AS is_feature
    FROM snapshots
    CROSS JOIN ages
)

SELECT * FROM final
