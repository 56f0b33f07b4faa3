-- fct_partner_quarter: the main numbers of a partner in a fiscal quarter, side by side.
-- grain: partner x fiscal quarter
-- key: partner_id, period
-- partner_id VARCHAR: partner
-- partner_name VARCHAR: name of the organisation
-- segment VARCHAR: segment
-- tier_code VARCHAR: tier at the as-of date
-- region VARCHAR: region
-- owner_name VARCHAR: partner manager
-- period VARCHAR: fiscal quarter
-- period_start DATE: first day
-- period_end DATE: day after the last
-- is_partial BOOLEAN: not over at the as-of date
-- bookings DECIMAL(18,4): amount of deals won in a revenue role, reporting currency
-- sourced_revenue DECIMAL(18,4): of deals won that the partner sourced
-- influenced_revenue DECIMAL(18,4): of deals won that it influenced; does not add up over partners
-- attributed_revenue DECIMAL(18,4): its equal share of the deals won on whose path it is; adds up
-- attributed_revenue_first DECIMAL(18,4): of the deals won that it touched first
-- sourced_pipeline DECIMAL(18,4): amount of deals created that it sourced
-- influenced_pipeline DECIMAL(18,4): amount of deals created that it influenced
-- sourced_pipeline_open DECIMAL(18,4): amount of its sourced deals that were open at the quarter's end
-- won_deals BIGINT: deals won in any role
-- lost_deals BIGINT: deals lost in any role
-- win_rate DOUBLE: won over won and lost
-- win_rate_low DOUBLE: lower end of its 95% interval
-- win_rate_high DOUBLE: upper end
-- win_rate_status VARCHAR: ok, insufficient or no_denominator
-- sales_cycle_days DOUBLE: median days to win
-- target_bookings DECIMAL(18,4): agreed bookings
-- target_attainment_bookings DOUBLE: bookings over target
-- ropi_benefit DECIMAL(18,4): attributed gross margin of the four quarters that end with this one
-- ropi_cost DECIMAL(18,4): cost of those quarters
-- ropi DOUBLE: return on partner investment
-- ropi_status VARCHAR: ok, or why the return is missing or weak
-- note: the long form with intervals and states is fct_metric, scope_kind partner
WITH wide AS (
    SELECT
        metric.partner_id,
        metric.period,
        max(metric.amount) FILTER (WHERE metric.metric = 'bookings') AS bookings,
        max(metric.amount) FILTER (WHERE metric.metric = 'sourced_revenue') AS sourced_revenue,
        max(metric.amount) FILTER (WHERE metric.metric = 'influenced_revenue') AS influenced_revenue,
        max(metric.amount) FILTER (WHERE metric.metric = 'attributed_revenue_linear') AS attributed_revenue,
        max(metric.amount) FILTER (WHERE metric.metric = 'attributed_revenue_first') AS attributed_revenue_first,
        max(metric.amount) FILTER (WHERE metric.metric = 'sourced_pipeline') AS sourced_pipeline,
        max(metric.amount) FILTER (WHERE metric.metric = 'influenced_pipeline') AS influenced_pipeline,
        max(metric.amount) FILTER (WHERE metric.metric = 'sourced_pipeline_open') AS sourced_pipeline_open,
        CAST(max(metric.numerator) FILTER (WHERE metric.metric = 'win_rate') AS BIGINT) AS won_deals,
        CAST(max(metric.denominator - metric.numerator) FILTER (WHERE metric.metric = 'win_rate') AS BIGINT) AS lost_deals,
        max(metric.value) FILTER (WHERE metric.metric = 'win_rate') AS win_rate,
        max(metric.low) FILTER (WHERE metric.metric = 'win_rate') AS win_rate_low,
        max(metric.high) FILTER (WHERE metric.metric = 'win_rate') AS win_rate_high,
        max(metric.status) FILTER (WHERE metric.metric = 'win_rate') AS win_rate_status,
        max(metric.value) FILTER (WHERE metric.metric = 'sales_cycle_days') AS sales_cycle_days,
        max(metric.value) FILTER (WHERE metric.metric = 'target_attainment_bookings') AS target_attainment_bookings,
        max(metric.amount) FILTER (WHERE metric.metric = 'ropi_benefit') AS ropi_benefit,
        max(metric.amount) FILTER (WHERE metric.metric = 'ropi_cost') AS ropi_cost,
        max(metric.value) FILTER (WHERE metric.metric = 'ropi') AS ropi,
        max(metric.status) FILTER (WHERE metric.metric = 'ropi') AS ropi_status
    FROM fct_metric AS metric
    INNER JOIN intermediate.int_fiscal_period AS period ON metric.period = period.period
    WHERE metric.scope_kind = 'partner' AND period.period_kind = 'quarter'
    GROUP BY metric.partner_id, metric.period
),

final AS (
    SELECT
        wide.partner_id,
        partner.partner_name,
        partner.segment,
        partner.tier_code,
        partner.region,
        partner.owner_name,
        wide.period,
        period.period_start,
        period.period_end,
        period.is_partial,
        wide.bookings,
        wide.sourced_revenue,
        wide.influenced_revenue,
        wide.attributed_revenue,
        wide.attributed_revenue_first,
        wide.sourced_pipeline,
        wide.influenced_pipeline,
        wide.sourced_pipeline_open,
        wide.won_deals,
        wide.lost_deals,
        wide.win_rate,
        wide.win_rate_low,
        wide.win_rate_high,
        wide.win_rate_status,
        wide.sales_cycle_days,
        target.target_base AS target_bookings,
        wide.target_attainment_bookings,
        wide.ropi_benefit,
        wide.ropi_cost,
        wide.ropi,
        wide.ropi_status
    FROM wide
    INNER JOIN dim_partner AS partner ON wide.partner_id = partner.partner_id
    INNER JOIN intermediate.int_fiscal_period AS period ON wide.period = period.period
    LEFT JOIN intermediate.int_target AS target
        ON
            target.scope_kind = 'partner'
            AND wide.partner_id = target.scope_id
            AND target.measure = 'bookings'
            AND wide.period = target.period
)

SELECT * FROM final
