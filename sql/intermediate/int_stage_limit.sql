-- int_stage_limit: the days after which a stay in a lifecycle stage is long (M44).
-- grain: segment x stage
-- key: segment, stage
-- segment VARCHAR: segment; empty for partners without one
-- stage VARCHAR: recruit, onboard, enable, sell or grow
-- limit_days INTEGER: Kaplan-Meier 75th percentile of the stays, or the fallback
-- basis VARCHAR: segment, programme or fallback: whose stays the limit comes from
-- stays BIGINT: completed stays behind it; 0 for the fallback
-- note: under 20 completed stays, or where the curve does not come down to 0.25, the next wider basis decides
WITH times AS (
    SELECT * FROM fct_stage_time WHERE status = 'ok' AND p75_days IS NOT NULL
),

fallbacks AS (
    SELECT * FROM (
        VALUES ('recruit', 7), ('onboard', 60), ('enable', 90), ('sell', 120), ('grow', 180)
    ) AS fallback (stage, limit_days)
),

segments AS (
    SELECT DISTINCT coalesce(segment, '') AS segment FROM intermediate.int_partner
),

final AS (
    SELECT
        segments.segment,
        fallbacks.stage,
        CAST(coalesce(own.p75_days, programme.p75_days, fallbacks.limit_days) AS INTEGER) AS limit_days,
        CASE
            WHEN own.stage IS NOT NULL THEN 'segment'
            WHEN programme.stage IS NOT NULL THEN 'programme'
            ELSE 'fallback'
        END AS basis,
        coalesce(own.completed, programme.completed, 0) AS stays
    FROM segments
    CROSS JOIN fallbacks
    LEFT JOIN times AS own
        ON own.scope_kind = 'segment' AND segments.segment = own.scope_id AND fallbacks.stage = own.stage
    LEFT JOIN times AS programme ON programme.scope_kind = 'program' AND fallbacks.stage = programme.stage
)

SELECT * FROM final
