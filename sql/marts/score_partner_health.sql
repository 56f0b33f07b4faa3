-- score_partner_health: how healthy each partner is tonight, beside its own last 28 nights (M38).
-- grain: partner
-- key: partner_id
-- partner_id VARCHAR: partner
-- as_of DATE: as-of date
-- stage VARCHAR: lifecycle stage, which decides the profile of signals
-- health_score DOUBLE: 0 to 100, high is good; null where there is none
-- engagement_score DOUBLE: the same over the activity signals alone
-- coverage DOUBLE: share of the applicable weight that is known
-- breadth DOUBLE: share of the profile's weight that is applicable
-- status VARCHAR: scored; insufficient (too little known); not_applicable (no feed for most of the profile); recruit (not in
--   the programme yet); exited
-- health_28d_median DOUBLE: median of the 28 nights before; null under 14 nights with a score
-- health_change DOUBLE: points above (or below) that median
-- engagement_28d_median DOUBLE: median engagement of the 28 nights before; null under 14 nights
-- engagement_change DOUBLE: points above (or below) that median
-- source_name VARCHAR: configured name of the source instance of the partner record
-- source_file VARCHAR: path of the export inside its source
-- source_row BIGINT: record number in the export
WITH nights AS (
    SELECT night.*, snapshot.is_as_of
    FROM fct_partner_health_night AS night
    INNER JOIN intermediate.int_snapshot AS snapshot ON night.snapshot_on = snapshot.snapshot_on
    WHERE night.is_night
),

medians AS (
    SELECT
        partner_id,
        CASE WHEN count(health_score) >= 14 THEN quantile_cont(health_score, 0.5) END AS health_28d_median,
        CASE WHEN count(engagement_score) >= 14 THEN quantile_cont(engagement_score, 0.5) END AS engagement_28d_median
    FROM nights
    WHERE NOT is_as_of
    GROUP BY partner_id
),

tonight AS (
    SELECT * FROM nights WHERE is_as_of
),

final AS (
    SELECT
        stage.partner_id,
        s.as_of,
        stage.stage,
        tonight.health_score,
        tonight.engagement_score,
        tonight.coverage,
        tonight.breadth,
        CASE
            WHEN tonight.partner_id IS NOT NULL THEN tonight.status
            WHEN stage.stage = 'exited' THEN 'exited'
            ELSE 'recruit'
        END AS status,
        round(medians.health_28d_median, 4) AS health_28d_median,
        round(tonight.health_score - medians.health_28d_median, 4) AS health_change,
        round(medians.engagement_28d_median, 4) AS engagement_28d_median,
        round(tonight.engagement_score - medians.engagement_28d_median, 4) AS engagement_change,
        partner.source_name,
        partner.source_file,
        partner.source_row
    FROM fct_partner_stage AS stage
    CROSS JOIN run_settings AS s
    INNER JOIN intermediate.int_partner AS partner ON stage.partner_id = partner.partner_id
    LEFT JOIN tonight ON stage.partner_id = tonight.partner_id
    LEFT JOIN medians ON stage.partner_id = medians.partner_id
)

SELECT * FROM final
