-- fct_partner_health_night: health and engagement of each partner tonight, in the 28 nights before and at the month starts of the trailing year (M38).
-- grain: enrolled partner x night or month start
-- key: partner_id, snapshot_on
-- partner_id VARCHAR: partner
-- snapshot_on DATE: the score holds what was dated before this day, as known then
-- night_on DATE: as-of date of that night, the day before
-- stage VARCHAR: lifecycle stage
-- health_score DOUBLE: 0 to 100, high is good; null where too little is known
-- engagement_score DOUBLE: the same over the activity signals alone
-- coverage DOUBLE: share of the applicable weight that is known
-- breadth DOUBLE: share of the profile's weight that is applicable
-- known_signals BIGINT: signals that are known or carried
-- stale_signals BIGINT: signals whose feed is stale, carried or not
-- status VARCHAR: scored, insufficient (under 60 % of the applicable weight known), or not_applicable (under 30 % of the
--   profile applicable)
-- is_night BOOLEAN: tonight or one of the 28 nights before, all on tonight's bars
-- is_trend BOOLEAN: month start of the trailing year, on the bars of its own quarter
-- note: recomputed from the exports each night, not remembered: a late record changes the nights from its receipt on, and
--   none before
WITH points AS (
    SELECT point.*, kind.is_activity
    FROM intermediate.int_health_point AS point
    INNER JOIN intermediate.int_health_signal_kind AS kind ON point.signal = kind.signal
),

sums AS (
    SELECT
        partner_id,
        snapshot_on,
        stage,
        sum(contribution) AS health_score,
        sum(engagement_contribution) AS engagement_score,
        sum(weight) AS profile_weight,
        sum(weight) FILTER (WHERE status <> 'not_applicable') AS applicable_weight,
        sum(weight) FILTER (WHERE x IS NOT NULL) AS known_weight,
        sum(weight) FILTER (WHERE is_activity AND status <> 'not_applicable') AS applicable_activity_weight,
        sum(weight) FILTER (WHERE is_activity AND x IS NOT NULL) AS known_activity_weight,
        count(x) AS known_signals,
        count(*) FILTER (WHERE status IN ('carried', 'stale')) AS stale_signals
    FROM points
    GROUP BY partner_id, snapshot_on, stage
),

shares AS (
    SELECT
        *,
        coalesce(CAST(applicable_weight AS DOUBLE) / profile_weight, 0) AS breadth,
        coalesce(CAST(known_weight AS DOUBLE), 0) / applicable_weight AS coverage,
        coalesce(CAST(known_activity_weight AS DOUBLE), 0) / applicable_activity_weight AS activity_coverage
    FROM sums
),

statuses AS (
    SELECT
        *,
        CASE
            WHEN breadth < 0.3 THEN 'not_applicable'
            WHEN coverage < 0.6 THEN 'insufficient'
            ELSE 'scored'
        END AS status
    FROM shares
),

final AS (
    SELECT
        statuses.partner_id,
        statuses.snapshot_on,
        snapshot.night_on,
        statuses.stage,
        CASE WHEN statuses.status = 'scored' THEN CAST(statuses.health_score AS DOUBLE) END AS health_score,
        CASE WHEN statuses.activity_coverage >= 0.6 THEN CAST(statuses.engagement_score AS DOUBLE) END AS engagement_score,
        round(statuses.coverage, 4) AS coverage,
        round(statuses.breadth, 4) AS breadth,
        statuses.known_signals,
        statuses.stale_signals,
        statuses.status,
        snapshot.is_night,
        snapshot.is_trend
    FROM statuses
    INNER JOIN intermediate.int_snapshot AS snapshot ON statuses.snapshot_on = snapshot.snapshot_on
)

SELECT * FROM final
