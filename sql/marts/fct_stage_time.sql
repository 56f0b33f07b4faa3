-- fct_stage_time: how long partners stay in each lifecycle stage, with those who are still in it (M44).
-- grain: scope x stage with a stay
-- key: scope_kind, scope_id, stage
-- scope_kind VARCHAR: program or segment
-- scope_id VARCHAR: the programme's name or the segment; empty for partners without a segment
-- stage VARCHAR: recruit, onboard, enable, sell or grow
-- stays BIGINT: stays, ended or not
-- completed BIGINT: stays that ended by entering a later stage
-- median_days INTEGER: smallest t with S(t) <= 0.5; null where the curve does not come down to it
-- p75_days INTEGER: smallest t with S(t) <= 0.25; null where the curve does not come down to it
-- status VARCHAR: ok; insufficient (under 20 completed stays); no_next_stage (grow, which no stage follows)
-- note: Kaplan-Meier: open stays, exits and churn are censored at their length so far; an average over completed stays alone
--   would call every slow partner late
-- note: stays that began before the exports tell of any deal are left out: what came before them is not known
-- note: S(t) = product of (1 - d/n) over the days on which stays were completed, as exp of a running sum of logarithms in
--   the order of days; 1e-9 covers its rounding
WITH stays AS (
    SELECT 'segment' AS scope_kind, coalesce(segment, '') AS scope_id, stage, days, is_completed
    FROM intermediate.int_stage_stay
    WHERE NOT is_truncated
    UNION ALL
    SELECT 'program' AS scope_kind, s.program_name AS scope_id, stay.stage, stay.days, stay.is_completed
    FROM intermediate.int_stage_stay AS stay
    CROSS JOIN run_settings AS s
    WHERE NOT stay.is_truncated
),

daily_stays AS (
    SELECT
        scope_kind,
        scope_id,
        stage,
        days,
        count(*) AS ended,
        count(*) FILTER (WHERE is_completed) AS completed
    FROM stays
    GROUP BY scope_kind, scope_id, stage, days
),

risk_sets AS (
    SELECT
        *,
        sum(ended) OVER (
            PARTITION BY scope_kind, scope_id, stage ORDER BY days ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        ) AS at_risk
    FROM daily_stays
),

survival AS (
    SELECT
        *,
        exp(sum(CASE WHEN completed = at_risk THEN -1000.0 ELSE ln(1.0 - CAST(completed AS DOUBLE) / at_risk) END) OVER (
            PARTITION BY scope_kind, scope_id, stage ORDER BY days ROWS UNBOUNDED PRECEDING
        )) AS surviving
    FROM risk_sets
),

percentiles AS (
    SELECT
        scope_kind,
        scope_id,
        stage,
        sum(ended) AS stays,
        sum(completed) AS completed,
        min(days) FILTER (WHERE surviving <= 0.5 + 1e-9) AS median_days,
        min(days) FILTER (WHERE surviving <= 0.25 + 1e-9) AS p75_days
    FROM survival
    GROUP BY scope_kind, scope_id, stage
),

final AS (
    SELECT
        scope_kind,
        scope_id,
        stage,
        CAST(stays AS BIGINT) AS stays,
        CAST(completed AS BIGINT) AS completed,
        median_days,
        p75_days,
        CASE
            WHEN stage = 'grow' THEN 'no_next_stage'
            WHEN completed < 20 THEN 'insufficient'
            ELSE 'ok'
        END AS status
    FROM percentiles
)

SELECT * FROM final
