-- rpt_qbr_partner_quarter: each number of a partner's quarter beside the quarter before, the year before, the target
--   and its peers (M47).
-- grain: partner x fiscal quarter x metric
-- key: partner_id, period, metric
-- partner_id VARCHAR: partner
-- period VARCHAR: fiscal quarter; the running one and the seven before it
-- metric VARCHAR: metric, as in metric_catalog
-- metric_name VARCHAR: name for people
-- scope_kind VARCHAR: partner_family where the partner has others below it, whose numbers are then in; partner otherwise
-- unit VARCHAR: ratio, money, days, count or points
-- is_partial BOOLEAN: the quarter was not over at the as-of date
-- value DOUBLE: the number
-- amount DECIMAL(18,4): exact amount in the reporting currency, for money
-- numerator DOUBLE: numerator, or the sum
-- denominator DOUBLE: denominator
-- low DOUBLE: lower end of the 95% interval
-- high DOUBLE: upper end
-- n BIGINT: how many were counted
-- status VARCHAR: as in fct_metric
-- previous_value DOUBLE: the quarter before; as many days of it where this one is partial
-- year_ago_value DOUBLE: the same quarter a year before; as many days of it where this one is partial
-- target_value DOUBLE: agreed target
-- attainment DOUBLE: value over target
-- segment_median DOUBLE: median of the partners of the segment
-- rank_band VARCHAR: top_quarter, upper_middle, lower_middle or bottom_quarter of the segment; null where the number
--   is weak, fewer than min_n peers have one, or neither high nor low is better
-- better VARCHAR: high or low; null where neither is
-- definition_version BIGINT: version of the definition in metric_catalog
-- note: G4, roll-up to the parent: a parent's review has its children's numbers in, each deal once; peers are compared
--   with the same roll-up
-- note: a partner that left before the quarter began has no row
WITH quarters AS (
    SELECT *
    FROM intermediate.int_fiscal_period
    WHERE period_kind = 'quarter'
    QUALIFY row_number() OVER (ORDER BY period_start DESC) <= 8
),

families AS (
    SELECT DISTINCT scope_id AS partner_id FROM intermediate.int_partner_scope WHERE scope_kind = 'partner_family'
),

reviewed AS (
    SELECT
        partner.partner_id,
        partner.segment,
        quarters.period,
        quarters.is_partial,
        quarters.previous_period,
        quarters.year_ago_period,
        CASE WHEN families.partner_id IS NULL THEN 'partner' ELSE 'partner_family' END AS scope_kind
    FROM dim_partner AS partner
    CROSS JOIN quarters
    LEFT JOIN families ON partner.partner_id = families.partner_id
    WHERE partner.exited_on IS NULL OR partner.exited_on >= quarters.period_start
),

-- Metrics that are told of partners only, such as scores, are the parent's own.
numbers AS (
    SELECT metric.* EXCLUDE (partner_id)
    FROM fct_metric AS metric
    WHERE metric.scope_kind IN ('partner', 'partner_family')
),

family_metrics AS (
    SELECT DISTINCT metric FROM numbers WHERE scope_kind = 'partner_family'
),

told AS (
    SELECT
        reviewed.partner_id,
        reviewed.segment,
        reviewed.previous_period,
        reviewed.year_ago_period,
        numbers.*
    FROM reviewed
    INNER JOIN numbers ON reviewed.partner_id = numbers.scope_id AND reviewed.period = numbers.period
    LEFT JOIN family_metrics ON numbers.metric = family_metrics.metric
    WHERE numbers.scope_kind = CASE WHEN family_metrics.metric IS NULL THEN 'partner' ELSE reviewed.scope_kind END
),

segments AS (
    SELECT
        segment,
        metric,
        period,
        quantile_cont(value, 0.5) AS segment_median,
        count(*) FILTER (WHERE status = 'ok' AND value IS NOT NULL) AS ranked_peers
    FROM told
    GROUP BY segment, metric, period
),

places AS (
    SELECT
        told.partner_id,
        told.metric,
        told.period,
        rank() OVER (
            PARTITION BY told.segment, told.metric, told.period
            ORDER BY CASE WHEN catalog.better = 'low' THEN told.value ELSE -told.value END
        ) AS place
    FROM told
    INNER JOIN metric_catalog AS catalog ON told.metric = catalog.metric
    WHERE catalog.better IS NOT NULL AND told.status = 'ok' AND told.value IS NOT NULL
),

final AS (
    SELECT
        told.partner_id,
        told.period,
        told.metric,
        catalog.name AS metric_name,
        told.scope_kind,
        told.unit,
        told.is_partial,
        told.value,
        told.amount,
        told.numerator,
        told.denominator,
        told.low,
        told.high,
        told.n,
        told.status,
        previous.value AS previous_value,
        year_ago.value AS year_ago_value,
        CAST(target.target_base AS DOUBLE) AS target_value,
        attainment.value AS attainment,
        segments.segment_median,
        CASE
            WHEN places.place IS NULL OR segments.ranked_peers < s.min_n THEN NULL
            WHEN places.place * 4 <= segments.ranked_peers + 3 THEN 'top_quarter'
            WHEN places.place * 4 <= segments.ranked_peers * 2 + 3 THEN 'upper_middle'
            WHEN places.place * 4 <= segments.ranked_peers * 3 + 3 THEN 'lower_middle'
            ELSE 'bottom_quarter'
        END AS rank_band,
        catalog.better,
        told.definition_version
    FROM told
    CROSS JOIN run_settings AS s
    LEFT JOIN segments
        ON
            told.segment IS NOT DISTINCT FROM segments.segment
            AND told.metric = segments.metric
            AND told.period = segments.period
    LEFT JOIN places
        ON
            told.partner_id = places.partner_id
            AND told.metric = places.metric
            AND told.period = places.period
    LEFT JOIN metric_catalog AS catalog ON told.metric = catalog.metric
    LEFT JOIN numbers AS previous
        ON
            told.metric = previous.metric
            AND told.scope_kind = previous.scope_kind
            AND told.scope_id = previous.scope_id
            AND told.previous_period = previous.period
    LEFT JOIN numbers AS year_ago
        ON
            told.metric = year_ago.metric
            AND told.scope_kind = year_ago.scope_kind
            AND told.scope_id = year_ago.scope_id
            AND told.year_ago_period = year_ago.period
    LEFT JOIN intermediate.int_target AS target
        ON
            told.scope_kind = target.scope_kind
            AND told.scope_id = target.scope_id
            AND told.metric = target.measure
            AND told.period = target.period
    LEFT JOIN numbers AS attainment
        ON
            'target_attainment_' || told.metric = attainment.metric
            AND told.scope_kind = attainment.scope_kind
            AND told.scope_id = attainment.scope_id
            AND told.period = attainment.period
)

SELECT * FROM final
